package repository

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/fault"
)

// groupCommit lets calls that are made at the same time share a round trip and
// a commit: what comes while one is under way goes into the next. So a lone call
// waits for nobody, and many calls wait for the disk together instead of one
// after the other.
//
// A call returns when its own rows are durable. One that is given up leaves no
// row or all of its rows.
type groupCommit[In, Out any] struct {
	// commit makes what all calls bring durable in one transaction, or nothing
	// of it, and returns one result for each call.
	commit func(context.Context, []In) ([]Out, error)
	weight func(In) int      // in rows, or what costs as much; at least 1. Nil: each call is one
	order  func(a, b In) int // in which they lock rows that others lock too. Nil: as they come
	atOnce int               // how many commits may be under way; 0 is one

	mu      sync.Mutex // guards what follows
	waiting []*call[In, Out]
	load    int // weight of what waits
	working int // how many commits are under way
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
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callTimeout)
		defer cancel()
	}
	c := &call[In, Out]{ctx: ctx, in: in, weight: 1, done: make(chan struct{})}
	if g.weight != nil {
		c.weight = g.weight(in)
	}
	var none Out
	first, err := g.enqueue(c)
	if err != nil {
		return none, err
	}
	if first {
		// Whoever finds nobody at work commits themselves: to hand a lone call
		// to another goroutine takes as long as a good part of the call. The
		// commit outlasts ctx, so nobody else is hurt when this caller gives up.
		if calls := g.next(); len(calls) > 0 {
			g.settle(calls)
			g.goOn()
		}
	}
	select {
	case <-c.done:
	case <-ctx.Done():
	}
	select {
	case <-c.done: // both may have ended, and then the result counts
		return c.out, c.err
	default:
		return none, translate(ctx.Err())
	}
}

// enqueue lets the call wait, and reports whether its caller is to commit.
func (g *groupCommit[In, Out]) enqueue(c *call[In, Out]) (first bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) > 0 && g.load+c.weight > maxQueued {
		return false, fault.New(fault.Unavailable, "the service has too much to do at the moment; try again soon")
	}
	g.waiting = append(g.waiting, c)
	g.load += c.weight
	if first = g.working < max(g.atOnce, 1); first {
		g.working++
	}
	return first, nil
}

// goOn commits until nobody waits, while the first caller goes its way.
func (g *groupCommit[In, Out]) goOn() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.working--
		return
	}
	go func() {
		for calls := g.next(); len(calls) > 0; calls = g.next() {
			g.settle(calls)
		}
	}()
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
	if len(calls) == 0 {
		g.working--
	}
	if g.order != nil {
		slices.SortStableFunc(calls, func(a, b *call[In, Out]) int { return g.order(a.in, b.in) })
	}
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
			err = fmt.Errorf("%w: %v\n%s", errPanic, problem, debug.Stack())
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

// errPanic is what a call fails with that panics.
var errPanic = errors.New("panic")

// inOneTrip is a commit of calls that have statements of their own: these
// travel together and are one transaction. Queue adds those of one call, which
// leave what they yield in its result. A lone call that another transaction got
// in the way of is made again; several are by [groupCommit.settle].
func inOneTrip[In, Out any](pool *pgxpool.Pool, queue func(statements *pgx.Batch, in In, out *Out)) func(context.Context, []In) ([]Out, error) {
	return func(ctx context.Context, ins []In) ([]Out, error) {
		var outs []Out
		var err error
		for range maxConflicts {
			statements := &pgx.Batch{}
			outs = make([]Out, len(ins))
			for k, in := range ins {
				queue(statements, in, &outs[k])
			}
			if err = pool.SendBatch(ctx, statements).Close(); !conflict(err) || len(ins) > 1 {
				break
			}
		}
		return outs, translate(err)
	}
}
