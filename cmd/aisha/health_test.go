package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestCheckHealth(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		want   string // part of the error; empty: no error
	}{
		"up":             {200, ""},
		"error":          {503, "responded 503"},
		"other_success":  {204, "responded 204"},
		"redirect":       {302, "responded 302"},
		"another_server": {404, "responded 404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/healthz")
				w.WriteHeader(tt.status)
			}))
			t.Cleanup(server.Close)
			err := checkHealth(t.Context(), server.URL+"/healthz")
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("status %d: got error %v, want one with %q", tt.status, err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %q, want one line", err)
			}
		})
	}
	t.Run("nothing_listens", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		if err := checkHealth(t.Context(), server.URL); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("got error %v, want one with \"refused\"", err)
		}
	})
}

func TestReachableHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1", "127.0.0.1": "127.0.0.1", "::1": "::1", "192.0.2.1": "192.0.2.1", "localhost": "localhost",
	} {
		if got := reachableHost(host); got != want {
			t.Errorf("reachableHost(%q) = %q, want %q", host, got, want)
		}
	}
}
