package guard_test

import (
	"net/http"
	"testing"

	"aisha/internal/handler/guard"
)

func TestConcurrency(t *testing.T) {
	t.Parallel()
	entered, leave, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	h := guard.Concurrency(1)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-leave
	}))
	begin := func() {
		go func() {
			send(h, newRequest())
			done <- struct{}{}
		}()
		<-entered
	}
	begin()
	got := send(h, newRequest())
	wantFailure(t, got, http.StatusServiceUnavailable, "unavailable")
	if got.Header().Get("Retry-After") == "" {
		t.Error("got no Retry-After, want one")
	}
	leave <- struct{}{}
	<-done
	begin() // the slot is free again
	leave <- struct{}{}
	<-done
}
