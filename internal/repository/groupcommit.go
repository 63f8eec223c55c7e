package repository

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"aisha/internal/fault"
)

// groupCommit lets calls that are made at the same time share a commit: what
// comes while one is under way goes into the next. So a lone call waits for
// nobody, and many calls wait for the disk together instead of one after the
// other.
//
// A call returns when its own rows are durable. One that is given up leaves no
// row or all of its rows.
type groupCommit[In, Out any] struct {
	// commit makes what all calls bring durable in one transaction, or nothing
	// of it, and returns one result for each call.
	commit func(context.Context, []In) ([]Out, error)
	weight func(In) int // in rows, or what costs as much; at least 1

	mu      sync.Mutex // guards what follows
	waiting []*call[In, Out]
	load    int // weight of what waits
	working bool
}

const (
	// maxTogether bounds the weight of a commit, and with it how many locks it
	// holds. A call that is heavier than that goes alone.
	maxTogether = 256
	// maxQueued bounds the weight of what waits for a commit. Whoever comes
	// on top of it would wait longer than anybody wants to, and is told so.
	maxQueued = 32 * maxTogether
)

// call is a caller who waits.
type call[In, Out any] struct {
	ctx    context.Context //nolint:containedctx // whether the caller still waits
	in     In
	weight int

	done chan struct{} // closed when the result stands
	out  Out
	err  error
}

// do takes part in a commit. Its errors are those of committing this call
// alone, and fault.Unavailable where too much waits. When ctx ends first the
// commit may still be under way, so what was handed in must not change.
func (g *groupCommit[In, Out]) do(ctx context.Context, in In) (Out, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	c := &call[In, Out]{ctx: ctx, in: in, weight: g.weight(in), done: make(chan struct{})}
	var none Out
	if err := g.enqueue(c); err != nil {
		return none, err
	}
	select {
	case <-c.done:
		return c.out, c.err
	case <-ctx.Done():
		return none, translate(ctx.Err())
	}
}

// enqueue lets the call wait, and starts the work where nobody is at it. It is
// no caller who works, so that none who gives up takes the others along.
func (g *groupCommit[In, Out]) enqueue(c *call[In, Out]) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) > 0 && g.load+c.weight > maxQueued {
		return fault.New(fault.Unavailable, "the service has too much to do at the moment; try again soon")
	}
	g.waiting = append(g.waiting, c)
	g.load += c.weight
	if !g.working {
		g.working = true
		go g.work()
	}
	return nil
}

// work commits until nobody waits.
func (g *groupCommit[In, Out]) work() {
	for calls := g.next(); len(calls) > 0; calls = g.next() {
		g.settle(calls)
	}
}

// next takes the calls of the next commit from those that wait, and drops
// those that were given up.
func (g *groupCommit[In, Out]) next() []*call[In, Out] {
	g.mu.Lock()
	defer g.mu.Unlock()
	var calls []*call[In, Out]
	taken, together := 0, 0
	for _, c := range g.waiting {
		wanted := c.ctx.Err() == nil
		if wanted && len(calls) > 0 && together+c.weight > maxTogether {
			break
		}
		if wanted {
			calls = append(calls, c)
			together += c.weight
		}
		taken++
		g.load -= c.weight
	}
	g.waiting = slices.Delete(g.waiting, 0, taken)
	g.working = len(calls) > 0
	return calls
}

// settle gives every call its result. When what they bring cannot be stored
// together, it is tried in halves, until one that is bad fails alone. When the
// database is out of reach it is so for all of them, and nobody tries again.
func (g *groupCommit[In, Out]) settle(calls []*call[In, Out]) {
	outs, err := g.try(calls)
	if err != nil && len(calls) > 1 && (conflict(err) || !fault.Is(err, fault.Unavailable)) {
		half := len(calls) / 2
		g.settle(calls[:half])
		g.settle(calls[half:])
		return
	}
	for k, c := range calls {
		if err != nil {
			c.err = err
		} else {
			c.out = outs[k]
		}
		close(c.done)
	}
}

// try commits the calls together. It outlasts their callers, within bounds. A
// panic is one of the calls' and must not end the work for all.
func (g *groupCommit[In, Out]) try(calls []*call[In, Out]) (outs []Out, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("panic: %v\n%s", problem, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()

	ins := make([]In, len(calls))
	for k, c := range calls {
		ins[k] = c.in
	}
	return g.commit(ctx, ins)
}
