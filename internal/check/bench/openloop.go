package main

import (
	"cmp"
	"sync"
	"time"
)

// openLoop starts calls at fixed times, whether or not earlier calls have
// returned, and returns the latency of each call, counted from its scheduled time.
// So a slow service cannot slow the load down and appear faster than it is.
func openLoop(perSecond int, span time.Duration, call func() (done time.Time, err error)) ([]time.Duration, error) {
	n := int(span.Seconds() * float64(perSecond))
	latencies, failures := make([]time.Duration, n), make([]error, n)
	begin := time.Now()
	var group sync.WaitGroup
	for i := range n {
		due := begin.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		sleep(time.Until(due))
		group.Go(func() {
			done, err := call()
			latencies[i], failures[i] = done.Sub(due), err
		})
	}
	group.Wait()
	return latencies, cmp.Or(failures...)
}

// pool lends connections to callers and opens a new one when none is idle.
type pool struct {
	address  string
	deadline time.Time
	idle     chan *connection
}

// newPool returns a pool whose connections expire a minute after span.
func newPool(address string, span time.Duration) *pool {
	const maxIdle = 1024
	return &pool{address: address, deadline: time.Now().Add(span + time.Minute), idle: make(chan *connection, maxIdle)}
}

func (p *pool) post(r request) error {
	var c *connection
	select {
	case c = <-p.idle:
	default:
		var err error
		if c, err = dial(p.address, p.deadline); err != nil {
			return err
		}
	}
	if err := c.post(r); err != nil {
		_ = c.Close()
		return err
	}
	select {
	case p.idle <- c:
	default:
		_ = c.Close() // the pool is full after the service was slow for a while
	}
	return nil
}

func (p *pool) close() {
	close(p.idle)
	for c := range p.idle {
		_ = c.Close()
	}
}
