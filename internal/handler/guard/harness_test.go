package guard_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"

	"aisha/internal/handler/guard"
	"aisha/internal/ratelimit"
)

// ok is a handler that responds with 200 and the body "ok".
func ok(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }

// send passes r to h and returns the response.
func send(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	return recorder
}

// limitOf returns a limit for clients without a proxy.
func limitOf(rate ratelimit.Rate) *guard.AddressLimit {
	return guard.NewAddressLimit(guard.NewClientAddresses(nil, slog.New(slog.DiscardHandler)), rate)
}

func noLimit() *guard.AddressLimit { return limitOf(ratelimit.Rate{}) }

func newRequest() *http.Request { return httptest.NewRequest(http.MethodGet, "/path", nil) }

// observed returns a router that serves GET /path with h, behind the same
// first three middlewares as the API, and the buffer of its log.
func observed(h http.HandlerFunc) (http.Handler, *bytes.Buffer) {
	out := &bytes.Buffer{}
	log := slog.New(slog.NewJSONHandler(out, nil))
	r := chi.NewRouter()
	r.Use(guard.RequestID, guard.Observe(log, nil), guard.Recover)
	r.Get("/path", h)
	return r, out
}

// logLines parses a JSON log.
func logLines(t *testing.T, out *bytes.Buffer) []map[string]any {
	t.Helper()
	var lines []map[string]any
	decoder := json.NewDecoder(out)
	for decoder.More() {
		line := map[string]any{}
		if err := decoder.Decode(&line); err != nil {
			t.Fatalf("parse the log: %v", err)
		}
		lines = append(lines, line)
	}
	return lines
}

// wantFailure checks the status and the code of a failure.
func wantFailure(t *testing.T, got *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	var body struct{ Code string }
	_ = json.Unmarshal(got.Body.Bytes(), &body)
	if got.Code != status || body.Code != code {
		t.Errorf("got %d %s, want %d with the code %q", got.Code, got.Body, status, code)
	}
}
