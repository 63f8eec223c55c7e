// Package groupcommit lets concurrent calls share a commit. Calls that arrive
// during a commit go into the next one, so a lone call waits for nothing and many
// calls wait for the disk together instead of one after the other.
//
// It has no SQL: what a commit stores is a function of its caller.
package groupcommit

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"aisha/internal/fault"
	"aisha/internal/repository/postgres"
)

// ErrPanic is the error of a call that panics.
var ErrPanic = errors.New("panic")

const (
	// maxCommitWeight limits the weight of one commit, and so how many locks it
	// holds. A heavier call is committed alone.
	maxCommitWeight = 256
	// maxQueuedWeight limits the weight of all waiting calls. A call beyond it
	// would wait too long and is refused.
	maxQueuedWeight = 32 * maxCommitWeight
)

// Options are the settings of a Batcher.
type Options[In any] struct {
	// Weight returns the cost of a call in rows, at least 1. Nil: 1 for each.
	Weight func(In) int
	// Order sorts the calls of a commit, so that all commits lock shared rows in
	// the same order. Nil: order of arrival.
	Order func(a, b In) int
	// Parallel is how many commits may run at once. 0 means 1.
	Parallel int
}

// Batcher shares commits between calls.
type Batcher[In, Out any] struct {
	commit  func(context.Context, []In) ([]Out, error)
	options Options[In]

	mu      sync.Mutex // guards the fields below
	waiting []*call[In, Out]
	weight  int // of the waiting calls
	running int // commits
}

// New returns a Batcher. The function commit stores the inputs of all calls in
// one transaction, or nothing of them, and returns one result for each.
func New[In, Out any](commit func(context.Context, []In) ([]Out, error), options Options[In]) *Batcher[In, Out] {
	options.Parallel = max(options.Parallel, 1)
	return &Batcher[In, Out]{commit: commit, options: options}
}

// call is one waiting caller.
type call[In, Out any] struct {
	ctx    context.Context //nolint:containedctx // shows whether the caller still waits
	in     In
	weight int

	done chan struct{} // closed when out and err are set
	out  Out
	err  error
}

// Do commits the input together with those of other calls, and returns when it
// is durable. A call whose ctx ends first may or may not be stored, but never in
// part; its commit may still run, so the input must not be changed afterwards.
//
// Errors: those of committing this input alone, and fault.Unavailable where too
// many calls wait.
func (b *Batcher[In, Out]) Do(ctx context.Context, in In) (Out, error) {
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, postgres.CallTimeout)
		defer cancel()
	}
	c := &call[In, Out]{ctx: ctx, in: in, weight: 1, done: make(chan struct{})}
	if b.options.Weight != nil {
		c.weight = b.options.Weight(in)
	}
	var zero Out
	mayCommit, err := b.enqueue(c)
	if err != nil {
		return zero, err
	}
	if mayCommit {
		// The caller commits by itself: handing a lone call to another goroutine
		// takes a good part of the call's own time. The commit does not end with
		// ctx, so a caller that gives up does not affect the others.
		if calls := b.next(); len(calls) > 0 {
			b.finish(calls)
			b.commitRest()
		}
	}
	select {
	case <-c.done:
	case <-ctx.Done():
	}
	select {
	case <-c.done: // if both ended, the result counts
		return c.out, c.err
	default:
		return zero, postgres.Translate(ctx.Err())
	}
}

// Waiting returns the number of calls that wait for the next commit.
func (b *Batcher[In, Out]) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting)
}

// enqueue adds the call to the waiting ones, and reports whether its caller has
// to commit.
func (b *Batcher[In, Out]) enqueue(c *call[In, Out]) (mayCommit bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) > 0 && b.weight+c.weight > maxQueuedWeight {
		return false, fault.New(fault.Unavailable, "the service has too much to do at the moment; try again soon")
	}
	b.waiting = append(b.waiting, c)
	b.weight += c.weight
	if mayCommit = b.running < b.options.Parallel; mayCommit {
		b.running++
	}
	return mayCommit, nil
}

// commitRest commits in the background until no call waits.
func (b *Batcher[In, Out]) commitRest() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		b.running--
		return
	}
	go func() {
		for calls := b.next(); len(calls) > 0; calls = b.next() {
			b.finish(calls)
		}
	}()
}

// next removes the calls of the next commit from the waiting ones, and those
// that were given up. Where none is left it ends the running commit.
func (b *Batcher[In, Out]) next() []*call[In, Out] {
	b.mu.Lock()
	defer b.mu.Unlock()
	var calls []*call[In, Out]
	removed, weight := 0, 0
	for _, c := range b.waiting {
		wanted := c.ctx.Err() == nil
		if wanted && len(calls) > 0 && weight+c.weight > maxCommitWeight {
			break
		}
		if wanted {
			calls = append(calls, c)
			weight += c.weight
		}
		removed++
		b.weight -= c.weight
	}
	b.waiting = slices.Delete(b.waiting, 0, removed)
	if len(calls) == 0 {
		b.running--
	}
	if b.options.Order != nil {
		slices.SortStableFunc(calls, func(x, y *call[In, Out]) int { return b.options.Order(x.in, y.in) })
	}
	return calls
}

// finish commits the calls and hands out the results. Where the inputs cannot be
// stored together it tries each half, until a bad input fails alone. Where the
// database is unreachable it fails all of them at once.
func (b *Batcher[In, Out]) finish(calls []*call[In, Out]) {
	outs, err := b.tryCommit(calls)
	if err != nil && len(calls) > 1 && (postgres.IsConflict(err) || !fault.Is(err, fault.Unavailable)) {
		half := len(calls) / 2
		b.finish(calls[:half])
		b.finish(calls[half:])
		return
	}
	for i, c := range calls {
		if err != nil {
			c.err = err
		} else {
			c.out = outs[i]
		}
		close(c.done)
	}
}

// tryCommit commits the calls together. It has a timeout of its own. A panic of
// one input becomes an error, so that it does not end the other calls.
func (b *Batcher[In, Out]) tryCommit(calls []*call[In, Out]) (outs []Out, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrPanic, problem, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), postgres.CallTimeout)
	defer cancel()

	ins := make([]In, len(calls))
	for i, c := range calls {
		ins[i] = c.in
	}
	return b.commit(ctx, ins)
}
