package handler

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
)

// noRoute handles requests without a route: 405 with an Allow header if the
// path has other methods, otherwise 404.
func noRoute(r *http.Request) (wire.Response, error) {
	allowed := allowedMethods(r)
	if len(allowed) == 0 {
		return wire.Response{}, fault.New(fault.NotFound, "there is nothing here; the routes are listed at /docs")
	}
	return wire.Response{Header: http.Header{"Allow": {allowed}}},
		fault.New(fault.MethodNotAllowed, "this method is not allowed here; use "+allowed)
}

// allowedMethods returns the methods of the request's path for an Allow header,
// or "" if the path does not exist. Every path with GET also has HEAD.
func allowedMethods(r *http.Request) string {
	routes := chi.RouteContext(r.Context()).Routes
	path := r.URL.Path
	if r.URL.RawPath != "" {
		path = r.URL.RawPath // chi matches the raw path if there is one
	}
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if !routes.Match(chi.NewRouteContext(), method, path) {
			continue
		}
		allowed = append(allowed, method)
		if method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	return strings.Join(allowed, ", ")
}
