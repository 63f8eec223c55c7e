package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// measureService starts the service and measures it under the load of r.
func (b *bench) measureService(ctx context.Context, r *comparison) (result, error) {
	s, err := b.launch(ctx, "aisha")
	if err != nil {
		return result{}, err
	}
	measured, err := b.measureLoad(s, r, defaultPeople)
	if stopErr := s.stop(); err == nil {
		err = stopErr
	}
	return measured, err
}

// measureLoad measures a running service under the load of r, after a warm-up.
func (b *bench) measureLoad(s *runningService, r *comparison, people int) (result, error) {
	if _, err := runClients(s.address, r, people, warmUp); err != nil {
		return result{}, err
	}
	before, err := b.cpuTimes(s)
	if err != nil {
		return result{}, err
	}
	begin := time.Now()
	latencies, err := runClients(s.address, r, people, duration)
	if err != nil {
		return result{}, err
	}
	took := time.Since(begin)
	after, err := b.cpuTimes(s)
	if err != nil {
		return result{}, err
	}
	memory, err := residentMemory(s.cmd.Process.Pid, peakMemory)
	if err != nil {
		return result{}, err
	}
	measured := result{
		perSecond: float64(len(latencies)) / took.Seconds(),
		cpu:       after.since(before, len(latencies)),
		memory:    memory,
	}
	measured.p50, measured.p99 = percentiles(latencies)
	return measured, nil
}

// runClients lets every client post during span, one request at a time, and
// returns the latency of each request.
func runClients(address string, r *comparison, people int, span time.Duration) ([]time.Duration, error) {
	latencies := make([][]time.Duration, r.clients)
	failures := make([]error, r.clients)
	end := time.Now().Add(span)
	var group sync.WaitGroup
	for c := range r.clients {
		group.Go(func() { latencies[c], failures[c] = postUntil(end, address, r.newGenerator(people)) })
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
