package main

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// writers is how many persons wait for an answer at any time: four times as
// many as the service works on at once.
const writers = 256

// answersPerSecond keeps every worker of the service busy with persons who
// never wrote before. Each writer goes on once the answer has gone out, so
// nothing piles up, and nothing is left when the service is stopped.
func (b *bench) answersPerSecond() measurement {
	return measurement{
		name: "answers",
		figures: []figure{
			{name: "answers a second, end to end", goal: "≥ 800/s", rate: true},
			{name: "CPU time of an answer, the service's"},
			{name: "CPU time of an answer, PostgreSQL's"},
		},
		env: b.upstreams(),
		take: func(_ context.Context, s *runningService, _ place) ([]float64, error) {
			everyone := newCrowd(maxPeople)
			if _, err := b.answers(s, everyone, warmUp); err != nil {
				return nil, err
			}
			before, err := b.cpuTimes(s)
			if err != nil {
				return nil, err
			}
			begin := time.Now()
			n, err := b.answers(s, everyone, duration)
			if err != nil {
				return nil, err
			}
			took := time.Since(begin)
			after, err := b.cpuTimes(s)
			used := after.since(before, n)
			return []float64{float64(n) / took.Seconds(), nanoseconds(used.service), nanoseconds(used.database)}, err
		},
	}
}

// answers lets the writers write for as long as told, waits for the last
// answers and returns how many there were.
func (b *bench) answers(s *runningService, everyone *crowd, span time.Duration) (int, error) {
	clients := newPool(s.address, span)
	defer clients.close()
	counts, failures := make([]int, writers), make([]error, writers)
	end := time.Now().Add(span)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for failures[w] == nil && time.Now().Before(end) {
				_, failures[w] = b.exchange(clients, everyone.draw())
				counts[w]++
			}
		})
	}
	group.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return total, cmp.Or(failures...)
}
