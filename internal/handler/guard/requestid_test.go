package guard_test

import (
	"net/http"
	"testing"

	"aisha/internal/handler/guard"
	"aisha/internal/handler/wire"
)

func TestRequestID(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sent string
		kept bool
	}{
		"valid":   {"a.B_9-", true},
		"invalid": {"a b", false},
		"missing": {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logged string
			h := guard.RequestID(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				logged = wire.RequestLogOf(r.Context()).RequestID
			}))
			r := newRequest()
			r.Header.Set("X-Request-Id", tt.sent)
			got := send(h, r).Header().Get("X-Request-Id")
			if got == "" || (got == tt.sent) != tt.kept {
				t.Errorf("sent id %q, got %q; want it kept: %t", tt.sent, got, tt.kept)
			}
			if logged != got {
				t.Errorf("the request log has the id %q, want %q", logged, got)
			}
		})
	}
}
