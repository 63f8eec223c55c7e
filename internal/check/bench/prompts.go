package main

import (
	"context"
	"time"
)

// promptsAt is how many prompts a second come.
const promptsAt = 500

// promptTimes is what the service adds to the upstream's own time, which is what
// the same callers find who ask the stand-in themselves, at the same rate and
// just before.
func (b *bench) promptTimes() measurement {
	return measurement{
		name: "prompts",
		figures: []figure{
			{name: "the upstream's own time, asked without the service, 500 prompts a second, p50"},
			{name: "/gemini over the upstream's own time, 500 prompts a second, p50", goal: "≤ 0.5ms"},
			{name: "/gemini over the upstream's own time, 500 prompts a second, p99", goal: "≤ 5ms"},
			{name: "CPU time of a prompt, the service's"},
		},
		env: b.upstreams(),
		take: func(_ context.Context, s *runningService, _ place) ([]float64, error) {
			direct, err := prompts(b.upstream.address, modelPath, duration)
			if err != nil {
				return nil, err
			}
			if _, err := prompts(s.address, servicePath, warmUp); err != nil {
				return nil, err
			}
			before, err := b.cpuTimes(s)
			if err != nil {
				return nil, err
			}
			latencies, err := prompts(s.address, servicePath, duration)
			if err != nil {
				return nil, err
			}
			after, err := b.cpuTimes(s)
			own, _ := percentiles(direct)
			p50, p99 := percentiles(latencies)
			return []float64{
				nanoseconds(own), nanoseconds(p50 - own), nanoseconds(p99 - own),
				nanoseconds(after.since(before, len(latencies)).service),
			}, err
		},
	}
}

// Where a prompt can be sent.
const (
	servicePath = "/gemini"
	modelPath   = "/v1beta/models/gemini:streamGenerateContent"
)

func prompt(path string) request {
	return request{path: path, body: []byte(`{"prompt":"What is machine learning?"}`)}
}

func prompts(address, path string, span time.Duration) ([]time.Duration, error) {
	clients := newPool(address, span)
	defer clients.close()
	question := prompt(path)
	return openLoop(promptsAt, span, func() (time.Time, error) {
		err := clients.post(question)
		return time.Now(), err
	})
}
