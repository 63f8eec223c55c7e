package main

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// callers is how many ask at once where everybody does.
const callers = 1000

// callersAtOnce is how long the last of a thousand waits, who all come at the
// same moment on new connections, while the model takes half a second.
func (b *bench) callersAtOnce() measurement {
	return measurement{
		name:    "callers",
		figures: []figure{{name: "1,000 callers of /gemini at once, the model takes 500ms, the last is answered after", goal: "≤ 1.5s"}},
		env:     b.upstreams(),
		take: func(_ context.Context, s *runningService, _ place) ([]float64, error) {
			b.upstream.thinking.Store(int64(500 * time.Millisecond))
			defer b.upstream.thinking.Store(0)
			waits, failures := make([]time.Duration, callers), make([]error, callers)
			begin := time.Now()
			var group sync.WaitGroup
			for c := range callers {
				group.Go(func() {
					failures[c] = ask(s.address, prompt(servicePath))
					waits[c] = time.Since(begin)
				})
			}
			group.Wait()
			return []float64{nanoseconds(slices.Max(waits))}, cmp.Or(failures...)
		},
	}
}

// ask posts one request on a connection of its own.
func ask(address string, r request) error {
	conn, err := dial(address, time.Now().Add(time.Minute))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return conn.post(r)
}
