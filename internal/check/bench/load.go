package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// underLoad runs the service and keeps it busy with the row's clients.
func (b *bench) underLoad(ctx context.Context, r *row) (result, error) {
	s, err := b.launch(ctx, "aisha")
	if err != nil {
		return result{}, err
	}
	measured, err := b.load(s, r, usualPeople)
	if stopErr := s.stop(); err == nil {
		err = stopErr
	}
	return measured, err
}

func (b *bench) load(s *runningService, r *row, people int) (result, error) {
	if _, err := busy(s.address, r, people, warmUp); err != nil {
		return result{}, err
	}
	before, err := b.cpuTimes(s)
	if err != nil {
		return result{}, err
	}
	begin := time.Now()
	latencies, err := busy(s.address, r, people, duration)
	if err != nil {
		return result{}, err
	}
	took := time.Since(begin)
	after, err := b.cpuTimes(s)
	if err != nil {
		return result{}, err
	}
	memory, err := memoryOf(s.cmd.Process.Pid, peakMemory)
	if err != nil {
		return result{}, err
	}
	found := result{
		perSecond: float64(len(latencies)) / took.Seconds(),
		cpu:       after.since(before, len(latencies)),
		memory:    memory,
	}
	found.p50, found.p99 = percentiles(latencies)
	return found, nil
}

// busy lets every client post for as long as told, each with one request at a
// time, and returns how long each request took.
func busy(address string, r *row, people int, span time.Duration) ([]time.Duration, error) {
	latencies := make([][]time.Duration, r.clients)
	failures := make([]error, r.clients)
	end := time.Now().Add(span)
	var group sync.WaitGroup
	for c := range r.clients {
		group.Go(func() { latencies[c], failures[c] = postUntil(end, address, r.client(people)) })
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	return slices.Concat(latencies...), nil
}

func postUntil(end time.Time, address string, next generator) ([]time.Duration, error) {
	conn, err := dial(address, end.Add(30*time.Second))
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	latencies := make([]time.Duration, 0, 16<<10)
	for {
		r := next()
		begin := time.Now()
		if !begin.Before(end) {
			return latencies, nil
		}
		if err := conn.post(r); err != nil {
			return nil, err
		}
		latencies = append(latencies, time.Since(begin))
	}
}
