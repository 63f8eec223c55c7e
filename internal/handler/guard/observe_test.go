package guard_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
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

func TestObserve_AbortedResponse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cause  error
		status float64
	}{
		"by_the_service": {errors.New("the cause"), 500},
		"by_the_client":  {wire.ErrNotReceived, 499},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, out := observed(wire.Handler(func(*http.Request) (wire.Response, error) {
				return wire.Response{Status: http.StatusOK, Body: wire.Stream{
					Trailer: "Rows", Write: func(io.Writer) (string, error) { return "", tt.cause },
				}}, nil
			}))
			if value := panicOf(func() { send(h, newRequest()) }); !isAbort(value) {
				t.Errorf("the panic's value is %v, want http.ErrAbortHandler", value)
			}
			lines := logLines(t, out)
			if len(lines) != 1 || lines[0]["level"] != "WARN" || lines[0]["status"] != tt.status {
				t.Fatalf("logged %v, want one warning with status %v", lines, tt.status)
			}
			if text := fmt.Sprint(lines[0]["error"]); !strings.Contains(text, tt.cause.Error()) {
				t.Errorf("logged the error %q, want one with %q", text, tt.cause)
			}
		})
	}
}
