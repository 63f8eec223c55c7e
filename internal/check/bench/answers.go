package main

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// writers is the number of people who wait for an answer at the same time. It
// is four times the number of answers that the service works on at once.
const writers = 256

// answersPerSecond measures throughput while every worker of the service is
// busy. All messages come from people who never wrote before. Each writer waits
// for the answer before it writes again, so no backlog builds up and no message
// is unanswered when the service is stopped.
func (b *bench) answersPerSecond() measurement {
	return measurement{
		name: "answers",
		metrics: []metric{
			{name: "answers per second, end to end", goal: "≥ 800/s", rate: true},
			{name: "service CPU time per answer"},
			{name: "PostgreSQL CPU time per answer"},
		},
		env: b.upstreamEnv(),
		run: func(_ context.Context, s *runningService, _ target) ([]float64, error) {
			picker := newPersonPicker(maxPeople)
			if _, err := b.runWriters(s, picker, warmUp); err != nil {
				return nil, err
			}
			before, err := b.cpuTimes(s)
			if err != nil {
				return nil, err
			}
			begin := time.Now()
			n, err := b.runWriters(s, picker, duration)
			if err != nil {
				return nil, err
			}
			took := time.Since(begin)
			after, err := b.cpuTimes(s)
			used := after.since(before, n)
			return []float64{float64(n) / took.Seconds(), toNanoseconds(used.service), toNanoseconds(used.database)}, err
		},
	}
}

// runWriters lets all writers write during span, waits for the last answers and
// returns the number of answers.
func (b *bench) runWriters(s *runningService, picker *personPicker, span time.Duration) (int, error) {
	clients := newPool(s.address, span)
	defer clients.close()
	counts, failures := make([]int, writers), make([]error, writers)
	end := time.Now().Add(span)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for failures[w] == nil && time.Now().Before(end) {
				_, failures[w] = b.sendAndAwaitAnswer(clients, picker.next())
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
