package worker

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"
)

const (
	// retentionStartDelay keeps deletions out of the start, when the instance
	// also works off the queue.
	retentionStartDelay = 5 * time.Minute
	retentionInterval   = time.Hour
	// pauseFactor times the duration of a deletion step is the pause after it.
	// A busy or slow database thereby gets fewer deletions.
	pauseFactor = 4
	minPause    = 10 * time.Millisecond
)

// Retention deletes rows whose retention period is over.
type Retention interface {
	// DeleteExpired deletes in small steps and calls pause after each step
	// with its duration. It returns the number of deleted rows by table, also
	// together with an error.
	DeleteExpired(ctx context.Context, pause func(context.Context, time.Duration)) (map[string]int64, error)
}

// RetentionRunner calls a Retention once an hour. It is not a job of the queue:
// a run may take hours, and an interrupted run needs no retry, because the next
// one deletes the remaining rows.
type RetentionRunner struct {
	retention Retention
	log       *slog.Logger

	cancel context.CancelFunc
	done   chan struct{}
}

// NewRetentionRunner returns a runner that does nothing until Start.
func NewRetentionRunner(retention Retention, log *slog.Logger) *RetentionRunner {
	return &RetentionRunner{retention: retention, log: log}
}

// Start runs the deletion in the background, first after five minutes and then
// one hour after each run.
func (r *RetentionRunner) Start(ctx context.Context) {
	ctx, r.cancel = context.WithCancel(ctx)
	r.done = make(chan struct{})
	go func() {
		defer close(r.done)
		for sleep(ctx, retentionStartDelay); ctx.Err() == nil; sleep(ctx, retentionInterval) {
			r.run(ctx)
		}
	}()
}

// Stop cancels a deletion in progress and waits until it has ended. It returns
// an error if ctx ends first.
func (r *RetentionRunner) Stop(ctx context.Context) error {
	r.cancel()
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop the retention runner: %w", ctx.Err())
	}
}

func (r *RetentionRunner) run(ctx context.Context) {
	started := time.Now()
	deleted, err := r.retention.DeleteExpired(ctx, func(ctx context.Context, took time.Duration) {
		sleep(ctx, max(pauseFactor*took, minPause))
	})
	if err != nil && ctx.Err() == nil {
		r.log.WarnContext(ctx, "deleting expired rows failed", slog.Any("error", err))
	}
	var tables []any
	for _, table := range slices.Sorted(maps.Keys(deleted)) {
		if n := deleted[table]; n > 0 {
			tables = append(tables, slog.Int64(table, n))
		}
	}
	if len(tables) > 0 {
		r.log.InfoContext(ctx, "deleted expired rows", slog.Group("rows", tables...), slog.Duration("took", time.Since(started)))
	}
}

// sleep returns after d, or earlier when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
