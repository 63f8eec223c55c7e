package main

import (
	"cmp"
	"sync"
	"time"
)

// openLoop calls at fixed moments, whether or not earlier calls have returned,
// and returns how long after its moment each call's work was done. A service
// that is late cannot slow its callers down and so look faster than it is.
func openLoop(perSecond int, span time.Duration, call func() (done time.Time, err error)) ([]time.Duration, error) {
	n := int(span.Seconds() * float64(perSecond))
	latencies, failures := make([]time.Duration, n), make([]error, n)
	begin := time.Now()
	var group sync.WaitGroup
	for i := range n {
		due := begin.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		pause(time.Until(due))
		group.Go(func() {
			done, err := call()
			latencies[i], failures[i] = done.Sub(due), err
		})
	}
	group.Wait()
	return latencies, cmp.Or(failures...)
}

// pool lends connections to callers, and makes one where none is free.
type pool struct {
	address  string
	deadline time.Time
	idle     chan *connection
}

// newPool makes a pool for a load of that length.
func newPool(address string, span time.Duration) *pool {
	const most = 1024
	return &pool{address: address, deadline: time.Now().Add(span + time.Minute), idle: make(chan *connection, most)}
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
		_ = c.Close() // a service that fell behind got more of them than it needs
	}
	return nil
}

func (p *pool) close() {
	close(p.idle)
	for c := range p.idle {
		_ = c.Close()
	}
}
