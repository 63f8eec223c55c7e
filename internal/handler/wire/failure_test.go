package wire_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
)

func TestStatusOf(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want int
	}{
		"fault":                    {fault.New(fault.Conflict, "no"), http.StatusConflict},
		"wrapped_fault":            {fmt.Errorf("join: %w", fault.New(fault.Invalid, "no")), http.StatusUnprocessableEntity},
		"unclassified":             {errors.New("any"), http.StatusInternalServerError},
		"our_timeout":              {fmt.Errorf("select: %w", context.DeadlineExceeded), http.StatusServiceUnavailable},
		"client_disconnected":      {context.Canceled, http.StatusInternalServerError},
		"classified_timeout_error": {fault.Wrap(context.DeadlineExceeded, fault.UpstreamTimeout, "late"), http.StatusGatewayTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := wire.StatusOf(tt.err); got != tt.want {
				t.Errorf("StatusOf(%v) = %d, want %d", tt.err, got, tt.want)
			}
		})
	}
}

func TestWriteFailure(t *testing.T) {
	t.Parallel()
	err := fault.InvalidField("name", fault.FieldRequired, "is missing")
	err.RetryAfter = 1500 * time.Millisecond
	log := &wire.RequestLog{}
	recorder := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	wire.WriteFailure(recorder, r.WithContext(wire.WithRequestLog(r.Context(), log)), err)

	want := `{"status":"failure","data":null,"error":"the request is not valid","code":"invalid","details":[{"field":"name","code":"required","message":"is missing"}]}`
	if recorder.Code != http.StatusUnprocessableEntity || recorder.Body.String() != want {
		t.Errorf("got %d %s, want 422 %s", recorder.Code, recorder.Body, want)
	}
	if got := recorder.Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After is %q, want 2", got)
	}
	if !errors.Is(log.Failure, err) {
		t.Errorf("the request log has the failure %v, want %v", log.Failure, err)
	}
}
