package guard_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"aisha/internal/handler/guard"
)

func TestTimeout(t *testing.T) {
	t.Parallel()
	var err error
	h := guard.Timeout(time.Millisecond)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		err = r.Context().Err()
	}))
	send(h, newRequest())
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the context ended with %v, want DeadlineExceeded", err)
	}
}
