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
	// pruneFirst lets a start be over, and the work that has piled up be done,
	// before anything is deleted.
	pruneFirst = 5 * time.Minute
	pruneEvery = time.Hour
	// pruneShare is for how many times as long as it works the deletion rests,
	// so that a database that is busy or slow is asked less often.
	pruneShare = 4
	// pruneRest is how long it rests at least.
	pruneRest = 10 * time.Millisecond
)

// Pruner deletes what has been kept for long enough. It works in small steps,
// calls pause after each with how long it took, and returns how many rows of
// which table it deleted, even when it fails halfway.
type Pruner interface {
	Prune(ctx context.Context, pause func(context.Context, time.Duration)) (map[string]int64, error)
}

// Housekeeping has what is old deleted from time to time. It is no job of the
// queue's: a round may take hours, and one that is cut short has nothing to
// make up for, since the next goes on with what is left.
type Housekeeping struct {
	pruner Pruner
	log    *slog.Logger

	cancel context.CancelFunc
	ended  chan struct{}
}

// NewHousekeeping prepares the housekeeping; Start starts it.
func NewHousekeeping(pruner Pruner, log *slog.Logger) *Housekeeping {
	return &Housekeeping{pruner: pruner, log: log}
}

// Start begins a round after a while, and then one every hour.
func (h *Housekeeping) Start(ctx context.Context) {
	ctx, h.cancel = context.WithCancel(ctx)
	h.ended = make(chan struct{})
	go func() {
		defer close(h.ended)
		for rest(ctx, pruneFirst); ctx.Err() == nil; rest(ctx, pruneEvery) {
			h.round(ctx)
		}
	}()
}

// Stop breaks off what is being deleted, which then is not.
func (h *Housekeeping) Stop(ctx context.Context) error {
	h.cancel()
	select {
	case <-h.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop the housekeeping: %w", ctx.Err())
	}
}

func (h *Housekeeping) round(ctx context.Context) {
	began := time.Now()
	deleted, err := h.pruner.Prune(ctx, func(ctx context.Context, took time.Duration) {
		rest(ctx, max(pruneShare*took, pruneRest))
	})
	if err != nil && ctx.Err() == nil {
		h.log.WarnContext(ctx, "could not delete all that is old", slog.Any("error", err))
	}
	var tables []any
	for _, table := range slices.Sorted(maps.Keys(deleted)) {
		if n := deleted[table]; n > 0 {
			tables = append(tables, slog.Int64(table, n))
		}
	}
	if len(tables) > 0 {
		h.log.InfoContext(ctx, "deleted what is old", slog.Group("rows", tables...), slog.Duration("took", time.Since(began)))
	}
}

// rest waits, unless ctx ends before.
func rest(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
