package handler_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestNoRoute(t *testing.T) {
	t.Parallel()
	t.Run("unknown_path", func(t *testing.T) {
		t.Parallel()
		api := newAPI()
		for _, path := range []string{"/nowhere", "/waiting-list/1", "/gemini/", "/docs/", "/docs/../go.mod", "//", "/%2e%2e/etc/passwd"} {
			wantFailure(t, call(t, api, get(path)), http.StatusNotFound, "not_found")
		}
		wantFailure(t, call(t, api, httptest.NewRequest("BREW", "/nowhere", nil)), http.StatusNotFound, "not_found")
	})
	for _, tt := range []struct{ name, method, path, allow string }{
		{"get_of_a_post_route", "GET", "/waiting-list/", "POST"},
		{"head_of_a_post_route", "HEAD", "/gemini", "POST"},
		{"delete_of_the_webhook_with_end_slash", "DELETE", "/webhook/whatsapp/", "GET, HEAD, POST"},
		{"put", "PUT", "/waiting-list", "POST"},
		{"delete_of_a_get_and_post_route", "DELETE", "/webhook/whatsapp", "GET, HEAD, POST"},
		{"post_to_a_get_route", "POST", "/healthz", "GET, HEAD"},
		{"options_without_cors", "OPTIONS", "/gemini", "POST"},
		{"unknown_method", "BREW", "/", "GET, HEAD"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := call(t, newAPI(), httptest.NewRequest(tt.method, tt.path, nil))
			wantFailure(t, got, http.StatusMethodNotAllowed, "method_not_allowed")
			if allow := got.header.Get("Allow"); allow != tt.allow {
				t.Errorf("%s %s: Allow is %q, want %q", tt.method, tt.path, allow, tt.allow)
			}
		})
	}
}
