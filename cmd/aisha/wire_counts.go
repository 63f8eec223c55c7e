package main

import (
	"context"

	"aisha/internal/repository/waitlistdb"
	"aisha/internal/worker"
)

// addCounts adds the passes that count new entries of the waiting list.
func (a *app) addCounts() *waitlistdb.Counts {
	counts := waitlistdb.NewCounts(a.pool, a.reads)
	runner := worker.NewCountRunner(counts, a.log)
	a.add(component{
		name: "count runner",
		start: func(ctx context.Context) error {
			runner.Start(context.WithoutCancel(ctx)) // ends by Stop
			return nil
		},
		stop: runner.Stop,
	})
	return counts
}
