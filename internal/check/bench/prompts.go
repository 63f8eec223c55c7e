package main

import (
	"context"
	"time"
)

// promptsPerSecond is the load of promptLatency.
const promptsPerSecond = 500

// promptLatency measures the time that the service adds to a call of the model.
// The time without the service is the median of direct calls to the fake
// upstream, made just before with the same clients at the same rate.
func (b *bench) promptLatency() measurement {
	return measurement{
		name: "prompts",
		metrics: []metric{
			{name: "direct upstream call without the service, 500 prompts per second, p50"},
			{name: "time /gemini adds to the direct call, 500 prompts per second, p50", goal: "≤ 0.5ms"},
			{name: "time /gemini adds to the direct call, 500 prompts per second, p99", goal: "≤ 5ms"},
			{name: "service CPU time per prompt"},
		},
		env: b.upstreamEnv(),
		run: func(_ context.Context, s *runningService, _ target) ([]float64, error) {
			direct, err := postPrompts(b.upstream.address, modelPath, duration)
			if err != nil {
				return nil, err
			}
			if _, err := postPrompts(s.address, servicePath, warmUp); err != nil {
				return nil, err
			}
			before, err := b.cpuTimes(s)
			if err != nil {
				return nil, err
			}
			latencies, err := postPrompts(s.address, servicePath, duration)
			if err != nil {
				return nil, err
			}
			after, err := b.cpuTimes(s)
			directP50, _ := percentiles(direct)
			p50, p99 := percentiles(latencies)
			return []float64{
				toNanoseconds(directP50), toNanoseconds(p50 - directP50), toNanoseconds(p99 - directP50),
				toNanoseconds(after.since(before, len(latencies)).service),
			}, err
		},
	}
}

// Paths that accept a prompt: of the service and of the fake upstream.
const (
	servicePath = "/gemini"
	modelPath   = "/v1beta/models/gemini:streamGenerateContent"
)

func prompt(path string) request {
	return request{path: path, body: []byte(`{"prompt":"What is machine learning?"}`)}
}

func postPrompts(address, path string, span time.Duration) ([]time.Duration, error) {
	clients := newPool(address, span)
	defer clients.close()
	question := prompt(path)
	return openLoop(promptsPerSecond, span, func() (time.Time, error) {
		err := clients.post(question)
		return time.Now(), err
	})
}
