package main

import (
	"context"
	"time"
)

// promptsAt is how many prompts a second come.
const promptsAt = 500

// promptTimes is what the service adds to the model's time. The stand-in
// answers at once, so it is all of the time, the connection's included.
func (b *bench) promptTimes() measurement {
	return measurement{
		name: "prompts",
		figures: []figure{
			{name: "/gemini over the upstream's own time, 500 prompts a second, p50", goal: "≤ 0.5ms"},
			{name: "/gemini over the upstream's own time, 500 prompts a second, p99", goal: "≤ 5ms"},
			{name: "CPU time of a prompt, the service's"},
		},
		env: b.upstreams(),
		take: func(_ context.Context, s *runningService, _ place) ([]float64, error) {
			if _, err := prompts(s, warmUp); err != nil {
				return nil, err
			}
			before, err := b.cpuTimes(s)
			if err != nil {
				return nil, err
			}
			latencies, err := prompts(s, duration)
			if err != nil {
				return nil, err
			}
			after, err := b.cpuTimes(s)
			p50, p99 := percentiles(latencies)
			return []float64{nanoseconds(p50), nanoseconds(p99), nanoseconds(after.since(before, len(latencies)).service)}, err
		},
	}
}

func prompt() request {
	return request{path: "/gemini", body: []byte(`{"prompt":"What is machine learning?"}`)}
}

func prompts(s *runningService, span time.Duration) ([]time.Duration, error) {
	clients := newPool(s.address, span)
	defer clients.close()
	return openLoop(promptsAt, span, func() (time.Time, error) {
		err := clients.post(prompt())
		return time.Now(), err
	})
}
