package main

import (
	"context"
	"time"
)

// messagesPerSecond is the load of answerLatency.
const messagesPerSecond = 200

// answerLatency measures the time from the scheduled time of a webhook to the
// call of the Graph API that sends the answer. The fake upstream responds at once,
// so the service and the database account for all of this time.
func (b *bench) answerLatency(span time.Duration) measurement {
	return measurement{
		name: "answer latency",
		metrics: []metric{
			{name: "webhook to Graph API call, 200 messages per second, p50", goal: "≤ 15ms"},
			{name: "webhook to Graph API call, 200 messages per second, p99", goal: "≤ 60ms"},
		},
		env: b.upstreamEnv(),
		run: func(_ context.Context, s *runningService, at target) ([]float64, error) {
			picker := newPersonPicker(at.people)
			if _, err := b.measureAnswers(s, picker, warmUp); err != nil {
				return nil, err
			}
			latencies, err := b.measureAnswers(s, picker, span)
			if err != nil {
				return nil, err
			}
			p50, p99 := percentiles(latencies)
			return []float64{toNanoseconds(p50), toNanoseconds(p99)}, nil
		},
	}
}

func (b *bench) measureAnswers(s *runningService, picker *personPicker, span time.Duration) ([]time.Duration, error) {
	clients := newPool(s.address, span)
	defer clients.close()
	return openLoop(messagesPerSecond, span, func() (time.Time, error) { return b.sendAndAwaitAnswer(clients, picker.next()) })
}
