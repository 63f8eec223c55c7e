package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestApp_RejectUntilStarted(t *testing.T) {
	t.Parallel()
	var a app
	handler := a.rejectUntilStarted(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	status := func(method, path string) int {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(method, path, http.NoBody))
		if got := recorder.Header().Get("Retry-After"); (got != "") != (recorder.Code == http.StatusServiceUnavailable) {
			t.Errorf("%s %s: got Retry-After %q with status %d", method, path, got, recorder.Code)
		}
		return recorder.Code
	}
	paths := []string{"/waiting-list", "/waiting-list/", "/webhook/whatsapp", "/operator/kept-items", "/gemini"}
	for _, path := range paths {
		if got := status(http.MethodPost, path); got != http.StatusServiceUnavailable {
			t.Errorf("POST %s before the start: got %d, want 503", path, got)
		}
	}
	for _, path := range []string{"/", "/healthz", "/readyz", "/docs"} {
		if got := status(http.MethodGet, path); got != http.StatusOK {
			t.Errorf("GET %s before the start: got %d, want 200", path, got)
		}
	}
	a.started.Store(true)
	for _, path := range paths {
		if got := status(http.MethodPost, path); got != http.StatusOK {
			t.Errorf("POST %s after the start: got %d, want 200", path, got)
		}
	}
}
