package guard_test

import (
	"net/http"
	"testing"

	"aisha/internal/handler/guard"
)

func TestNoSniff(t *testing.T) {
	t.Parallel()
	got := send(guard.NoSniff(http.HandlerFunc(ok)), newRequest())
	if header := got.Header().Get("X-Content-Type-Options"); header != "nosniff" {
		t.Errorf("X-Content-Type-Options is %q, want nosniff", header)
	}
}
