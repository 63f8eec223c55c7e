package worker

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// countInterval is the pause between two passes. New entries are found by their
// names this much later.
const countInterval = 5 * time.Second

// Counter counts new entries of the waiting list.
type Counter interface {
	// Count counts some entries and reports whether there are more. Several
	// instances may call it at once.
	Count(ctx context.Context) (more bool, err error)
}

// CountRunner calls a Counter every five seconds. It is not a job of the queue: an
// interrupted pass needs no retry, because the next one continues from it.
type CountRunner struct {
	counter Counter
	log     *slog.Logger

	cancel context.CancelFunc
	done   chan struct{}
}

// NewCountRunner returns a runner that does nothing until Start.
func NewCountRunner(counter Counter, log *slog.Logger) *CountRunner {
	return &CountRunner{counter: counter, log: log}
}

// Start runs passes in the background.
func (r *CountRunner) Start(ctx context.Context) {
	ctx, r.cancel = context.WithCancel(ctx)
	r.done = make(chan struct{})
	go func() {
		defer close(r.done)
		for ; ctx.Err() == nil; sleep(ctx, countInterval) {
			r.run(ctx)
		}
	}()
}

// Stop cancels a pass in progress and waits until it has ended. It returns an error
// if ctx ends first.
func (r *CountRunner) Stop(ctx context.Context) error {
	r.cancel()
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop the count runner: %w", ctx.Err())
	}
}

// run counts until nothing is left, or an error occurs.
func (r *CountRunner) run(ctx context.Context) {
	for ctx.Err() == nil {
		more, err := r.counter.Count(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "counting waiting list entries failed", slog.Any("error", err))
		}
		if err != nil || !more {
			return
		}
	}
}
