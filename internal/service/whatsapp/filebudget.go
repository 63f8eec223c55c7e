package whatsapp

import (
	"context"
	"errors"
	"runtime"

	"golang.org/x/sync/semaphore"
)

// errFileBudgetBusy means that a question with files must be asked later.
var errFileBudgetBusy = errors.New("too many bytes of files in flight")

// fileBudget limits the bytes of files that all questions together hold in
// memory, from before the download until the model has answered. A question
// takes the bytes of all its files at once: two questions that each held a part
// and waited for more would wait for each other forever.
type fileBudget struct {
	bytes   *semaphore.Weighted
	waiting *semaphore.Weighted
}

func newFileBudget() *fileBudget {
	return &fileBudget{
		bytes:   semaphore.NewWeighted(maxFileBytesInFlight),
		waiting: semaphore.NewWeighted(maxFileBudgetWaiters),
	}
}

// acquire takes size bytes, at most maxFileBytesInFlight. It waits in the order
// of the calls. A waiting question occupies a worker, so only a few may wait,
// and not for long. Errors: errFileBudgetBusy, or that of ctx.
func (b *fileBudget) acquire(ctx context.Context, size int64) (release func(), err error) {
	release = func() {
		// The files are garbage now. With the high GOGC of this program, that of many
		// questions would grow to several times the budget before it is collected.
		runtime.GC()
		b.bytes.Release(size)
	}
	if b.bytes.TryAcquire(size) {
		return release, nil
	}
	if !b.waiting.TryAcquire(1) {
		return nil, errFileBudgetBusy
	}
	defer b.waiting.Release(1)
	waitCtx, cancel := context.WithTimeout(ctx, fileBudgetWait)
	defer cancel()
	switch err := b.bytes.Acquire(waitCtx, size); {
	case err == nil:
		return release, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	default:
		return nil, errFileBudgetBusy
	}
}
