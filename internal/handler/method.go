package handler

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
)

// allowedMethods lists the methods that the request's path has, for a header
// Allow; empty for a path that does not exist. HEAD works wherever GET does.
func allowedMethods(r *http.Request) string {
	routes := chi.RouteContext(r.Context()).Routes
	path := r.URL.Path
	if r.URL.RawPath != "" {
		path = r.URL.RawPath // what the router matches too
	}
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost} {
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

// methodLabel keeps the methods that callers make up out of logs and metrics.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions:
		return method
	default:
		return "OTHER"
	}
}
