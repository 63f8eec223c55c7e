package guard_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"aisha/internal/handler/wire"
)

func TestObserve(t *testing.T) {
	t.Parallel()
	t.Run("server_error", func(t *testing.T) {
		t.Parallel()
		h, out := observed(func(w http.ResponseWriter, r *http.Request) { wire.WriteFailure(w, r, errors.New("the cause")) })
		recorder := send(h, newRequest())
		lines := logLines(t, out)
		if len(lines) != 1 {
			t.Fatalf("logged %d lines, want 1: %v", len(lines), lines)
		}
		for key, want := range map[string]any{
			"level": "ERROR", "route": "/path", "method": "GET", "status": 500.0, "error": "the cause",
			"bytes": float64(recorder.Body.Len()), "request_id": recorder.Header().Get("X-Request-Id"),
		} {
			if lines[0][key] != want {
				t.Errorf("logged %s=%v, want %v", key, lines[0][key], want)
			}
		}
	})
	t.Run("success_is_not_logged_at_info", func(t *testing.T) {
		t.Parallel()
		h, out := observed(ok)
		send(h, newRequest())
		if lines := logLines(t, out); len(lines) != 0 {
			t.Errorf("logged %v, want nothing", lines)
		}
	})
	t.Run("client_disconnected", func(t *testing.T) {
		t.Parallel()
		ctx, disconnect := context.WithCancel(t.Context())
		h, out := observed(func(w http.ResponseWriter, r *http.Request) {
			disconnect()
			<-r.Context().Done()
			wire.WriteFailure(w, r, r.Context().Err())
		})
		send(h, newRequest().WithContext(ctx))
		lines := logLines(t, out)
		if len(lines) != 1 || lines[0]["status"] != 499.0 || lines[0]["level"] != "INFO" {
			t.Errorf("logged %v, want one line with status 499 and level INFO", lines)
		}
	})
}
