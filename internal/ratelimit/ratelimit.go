// Package ratelimit counts requests by key in a fixed amount of memory, for any
// number of keys.
//
// What a key is, and what happens to requests over the limit, is left to the
// packages that use it.
package ratelimit

import (
	"hash/maphash"
	"sync"
	"time"
)

// Rate is a number of requests within a window of time. Zero requests mean no
// limit.
type Rate struct {
	Requests int
	Window   time.Duration
}

// Times returns the rate with n times as many requests.
func (r Rate) Times(n int) Rate { return Rate{Requests: r.Requests * n, Window: r.Window} }

// A key has a counter in each of rows tables, and its count is the lowest of them.
// Keys share counters, so a count may be too high, but only if the key shares
// each of its counters with a busy key. This is a count-min sketch. With 60,000
// active keys that have one request each, about 200 keys in a million are counted
// as five or more. The seed is random, so clients cannot choose which counters they share.
const (
	rows    = 4
	columns = 1 << 15
)

// window holds the counters of one window of time.
type window [rows][columns]uint32

// Limiter limits the requests of each key to a rate. The window slides: requests of
// the previous window count with the share of it that is still within reach.
type Limiter struct {
	rate Rate
	seed maphash.Seed

	mu                sync.Mutex
	start             time.Time // of the current window
	current, previous *window
}

// New returns a Limiter. For a rate without requests it returns nil, which limits
// nothing.
func New(rate Rate) *Limiter {
	if rate.Requests == 0 {
		return nil
	}
	return &Limiter{
		rate:     rate,
		seed:     maphash.MakeSeed(),
		start:    time.Now(),
		current:  &window{},
		previous: &window{},
	}
}

// Take counts a request of the key and returns true, or returns false if the key
// has reached its limit.
func (l *Limiter) Take(key string) bool {
	if l == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rotate()
	at := l.columns(key)
	if l.count(at) >= float64(l.rate.Requests) {
		return false
	}
	for row, column := range at {
		l.current[row][column]++
	}
	return true
}

// Allows reports whether Take would return true. It counts nothing.
func (l *Limiter) Allows(key string) bool {
	if l == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rotate()
	return l.count(l.columns(key)) < float64(l.rate.Requests)
}

// Return takes back a request that Take has counted in this window.
func (l *Limiter) Return(key string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.columns(key)
	for row, column := range at {
		if l.current[row][column] == 0 {
			return // Take counted it in an earlier window
		}
	}
	for row, column := range at {
		l.current[row][column]--
	}
}

// rotate begins a new window if the current one has ended.
func (l *Limiter) rotate() {
	elapsed := time.Since(l.start)
	if elapsed < l.rate.Window {
		return
	}
	l.previous, l.current = l.current, l.previous
	*l.current = window{}
	if elapsed >= 2*l.rate.Window {
		*l.previous = window{}
	}
	l.start = l.start.Add(elapsed.Truncate(l.rate.Window))
}

// columns returns the column of the key in each row.
func (l *Limiter) columns(key string) [rows]uint16 {
	hash := maphash.String(l.seed, key)
	var at [rows]uint16
	for row := range at {
		at[row] = uint16(hash >> (16 * row) % columns)
	}
	return at
}

// count returns the requests of a key in the sliding window.
func (l *Limiter) count(at [rows]uint16) float64 {
	previous, current := ^uint32(0), ^uint32(0)
	for row, column := range at {
		previous = min(previous, l.previous[row][column])
		current = min(current, l.current[row][column])
	}
	left := 1 - time.Since(l.start).Seconds()/l.rate.Window.Seconds()
	return float64(previous)*max(left, 0) + float64(current)
}
