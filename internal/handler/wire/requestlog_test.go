package wire_test

import (
	"testing"

	"aisha/internal/handler/wire"
)

func TestRequestLogOf(t *testing.T) {
	t.Parallel()
	log := &wire.RequestLog{RequestID: "1"}
	if got := wire.RequestLogOf(wire.WithRequestLog(t.Context(), log)); got != log {
		t.Errorf("got %p, want the log of the context, %p", got, log)
	}
	if got := wire.RequestLogOf(t.Context()); got == nil || *got != (wire.RequestLog{}) {
		t.Errorf("context without a log: got %v, want an empty log", got)
	}
}
