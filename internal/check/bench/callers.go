package main

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// callers is the number of concurrent calls of concurrentCalls.
const callers = 1000

// concurrentCalls measures the slowest of 1,000 /gemini calls that start at the
// same moment, each on a new connection, while the model takes half a second.
func (b *bench) concurrentCalls() measurement {
	return measurement{
		name:    "callers",
		metrics: []metric{{name: "1,000 concurrent /gemini calls, model latency 500ms, slowest call", goal: "≤ 1.5s"}},
		env:     b.upstreamEnv(),
		run: func(_ context.Context, s *runningService, _ target) ([]float64, error) {
			b.upstream.modelDelay.Store(int64(500 * time.Millisecond))
			defer b.upstream.modelDelay.Store(0)
			waits, failures := make([]time.Duration, callers), make([]error, callers)
			begin := time.Now()
			var group sync.WaitGroup
			for c := range callers {
				group.Go(func() {
					failures[c] = postOnce(s.address, prompt(servicePath))
					waits[c] = time.Since(begin)
				})
			}
			group.Wait()
			return []float64{toNanoseconds(slices.Max(waits))}, cmp.Or(failures...)
		},
	}
}

// postOnce posts one request on a new connection.
func postOnce(address string, r request) error {
	conn, err := dial(address, time.Now().Add(time.Minute))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return conn.post(r)
}
