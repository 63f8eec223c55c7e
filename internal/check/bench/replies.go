package main

import (
	"context"
	"time"
)

// repliesAt is how many messages a second are written.
const repliesAt = 200

// replyTimes is from when a message is due at our webhook to when its answer
// reaches the Graph API. The stand-in answers at once, so all of this time is
// the service's and the database's.
func (b *bench) replyTimes(span time.Duration) measurement {
	return measurement{
		name: "replies",
		figures: []figure{
			{name: "from webhook to Graph call, 200 messages a second, p50", goal: "≤ 15ms"},
			{name: "from webhook to Graph call, 200 messages a second, p99", goal: "≤ 60ms"},
		},
		env: b.upstreams(),
		take: func(_ context.Context, s *runningService, at place) ([]float64, error) {
			everyone := newCrowd(at.people)
			if _, err := b.replies(s, everyone, warmUp); err != nil {
				return nil, err
			}
			latencies, err := b.replies(s, everyone, span)
			if err != nil {
				return nil, err
			}
			p50, p99 := percentiles(latencies)
			return []float64{nanoseconds(p50), nanoseconds(p99)}, nil
		},
	}
}

func (b *bench) replies(s *runningService, everyone *crowd, span time.Duration) ([]time.Duration, error) {
	clients := newPool(s.address, span)
	defer clients.close()
	return openLoop(repliesAt, span, func() (time.Time, error) { return b.exchange(clients, everyone.draw()) })
}
