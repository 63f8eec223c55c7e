package handler_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"

	"aisha/internal/handler"
	"aisha/internal/operator"
	"aisha/internal/sensitive"
)

// operatorRoute is a route of the operator API, with what was put around its handler.
type operatorRoute struct {
	method, path string
	endpoint     http.Handler
	middlewares  []func(http.Handler) http.Handler
}

func (o operatorRoute) String() string { return o.method + " " + o.path }

// request returns a request to the route, with the id 1 and an empty JSON object.
func (o operatorRoute) request(query string) *http.Request {
	path := strings.NewReplacer("{id}", "1").Replace(o.path)
	r := httptest.NewRequest(o.method, path+query, strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// operatorRoutes returns all routes of the API under /operator.
func operatorRoutes(t *testing.T, api http.Handler) []operatorRoute {
	t.Helper()
	var routes []operatorRoute
	err := chi.Walk(api.(chi.Routes), func(method, path string, endpoint http.Handler, middlewares ...func(http.Handler) http.Handler) error {
		if strings.HasPrefix(path, "/operator") {
			routes = append(routes, operatorRoute{method, path, endpoint, middlewares})
		}
		return nil
	})
	if err != nil || len(routes) < 6 {
		t.Fatalf("found %d routes, %v; want at least 6", len(routes), err)
	}
	return routes
}

func withToken(r *http.Request) *http.Request {
	r.Header.Set("Authorization", "Bearer T")
	return r
}

func allowToken(o *handler.Options) { o.AdminToken = sensitive.NewSecret("T") }

func TestOperatorRoutes_authentication(t *testing.T) {
	t.Parallel()
	api := newAPI(allowToken)
	off := newAPI()
	for _, route := range operatorRoutes(t, api) {
		wantFailure(t, call(t, api, route.request("")), http.StatusUnauthorized, "unauthenticated")
		wantFailure(t, call(t, off, withToken(route.request(""))), http.StatusServiceUnavailable, "not_configured")
	}
}

// Everything after the authentication refuses a caller without rights.
func TestOperatorRoutes_rights(t *testing.T) {
	t.Parallel()
	for _, route := range operatorRoutes(t, newAPI(allowToken)) {
		status := http.StatusUnauthorized
		for first := 0; first <= len(route.middlewares) && status == http.StatusUnauthorized; first++ {
			h := route.endpoint
			for _, middleware := range slices.Backward(route.middlewares[first:]) {
				h = middleware(h)
			}
			r := route.request("")
			r = r.WithContext(operator.WithAction(r.Context(), operator.Action{Caller: operator.Caller{Name: "someone"}}))
			recorder := httptest.NewRecorder()
			h.ServeHTTP(recorder, r)
			status = recorder.Code
		}
		if status != http.StatusForbidden {
			t.Errorf("%s: a caller without rights gets %d, want 403", route, status)
		}
	}
}

func TestOperatorRoutes_changes(t *testing.T) {
	t.Parallel()
	actions := &fakeActions{}
	api := newAPI(allowToken, func(o *handler.Options) { o.Actions = actions })
	doc, _ := description(t)
	for _, route := range operatorRoutes(t, api) {
		before := len(actions.attempts)
		call := withToken(route.request(""))
		call.Header.Set("Idempotency-Key", "k")
		callUnchecked(api, call)
		changes := len(actions.attempts) - before
		if route.method == http.MethodGet {
			if changes != 0 {
				t.Errorf("%s made %d changes, want none", route, changes)
			}
			continue
		}
		if changes != 1 || actions.attempts[before].Key != "k" || actions.attempts[before].Caller != "admin" {
			t.Errorf("%s made %d changes %+v, want one with the key k", route, changes, actions.attempts[before:])
		}
		item := doc.Paths.Find(route.path)
		if item == nil || item.GetOperation(route.method) == nil {
			continue // TestOpenAPI reports it
		}
		parameters := item.GetOperation(route.method).Parameters
		if parameters.GetByInAndName("header", "Idempotency-Key") == nil {
			t.Errorf("%s: the description has no header Idempotency-Key", route)
		}
	}
}

// Every list is a page.
func TestOperatorRoutes_pages(t *testing.T) {
	t.Parallel()
	api := newAPI(allowToken)
	doc, _ := description(t)
	pages := 0
	for _, route := range operatorRoutes(t, api) {
		item := doc.Paths.Find(route.path)
		if route.method != http.MethodGet || item == nil {
			continue
		}
		data := dataSchema(item.Get)
		switch {
		case data == nil:
			continue
		case data.Type.Is(openapi3.TypeArray):
			t.Errorf("%s answers with an array, want a page", route)
		case data.Properties["items"] != nil:
			pages++
			checkPage(t, api, route, item.Get)
		}
	}
	if pages < 2 {
		t.Errorf("found %d pages, want at least 2", pages)
	}
}

// dataSchema returns the schema of data in a success, or nil.
func dataSchema(operation *openapi3.Operation) *openapi3.Schema {
	response := operation.Responses.Status(http.StatusOK)
	if response == nil || response.Value.Content["application/json"] == nil {
		return nil
	}
	if data := response.Value.Content["application/json"].Schema.Value.Properties["data"]; data != nil {
		return data.Value
	}
	return nil
}

func checkPage(t *testing.T, api http.Handler, route operatorRoute, operation *openapi3.Operation) {
	t.Helper()
	for _, name := range []string{"limit", "cursor", "count"} {
		if operation.Parameters.GetByInAndName("query", name) == nil {
			t.Errorf("%s: the description has no parameter %s", route, name)
		}
	}
	if operation.Responses.Status(http.StatusOK).Value.Headers["Link"] == nil {
		t.Errorf("%s: the description has no header Link", route)
	}
	for query, field := range map[string]string{
		"?limit=0": "limit", "?limit=201": "limit", "?limit=abc": "limit", "?cursor=!": "cursor", "?cursor=e30": "cursor",
		"?count=all": "count", "?nonsense=1": "nonsense", "?limit=1&limit=1": "limit",
	} {
		got := call(t, api, withToken(route.request(query)))
		if got.status != http.StatusUnprocessableEntity || !slices.Equal(fieldsOf(t, got), []string{field}) {
			t.Errorf("%s%s: got %d %s, want 422 of the field %s", route, query, got.status, got.body, field)
		}
	}
}
