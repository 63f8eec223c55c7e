package simulator

import (
	"context"
	"testing"
)

func TestSimulator_WaitFor(t *testing.T) {
	t.Parallel()
	t.Run("returns_error_when_context_ends", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.WaitFor(ctx, func(Ledger) bool { return false }); err == nil {
			t.Error("WaitFor returned no error for a condition that never became true")
		}
	})
}
