package guard_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"aisha/internal/handler/guard"
)

func TestRejectUntil(t *testing.T) {
	t.Parallel()
	var started atomic.Bool
	handler := guard.RejectUntil(started.Load)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, tt := range []struct {
		started bool
		want    int
	}{{false, http.StatusServiceUnavailable}, {true, http.StatusOK}} {
		started.Store(tt.started)
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", http.NoBody))
		if recorder.Code != tt.want {
			t.Errorf("started %t: got %d, want %d", tt.started, recorder.Code, tt.want)
		}
		if got := recorder.Header().Get("Retry-After"); (got != "") != (tt.want == http.StatusServiceUnavailable) {
			t.Errorf("started %t: got Retry-After %q", tt.started, got)
		}
	}
}
