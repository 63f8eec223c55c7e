package wire

import (
	"errors"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"

	"aisha/internal/fault"
)

// How many bytes of the bodies of all requests may be in flight. A body of more
// than one segment is held twice while its segments are joined. The first
// smallBody bytes of a body and the bytes after them have budgets of their own,
// so that a few large bodies cannot keep out sign-ups and ordinary webhooks.
const (
	freeBody       = 4 << 10 // at the beginning of every body; not counted
	smallBody      = 64 << 10
	maxSmallBodies = 32 << 20
	maxLargeBodies = 32 << 20
	// collectAfter is how many bytes of ended requests may become garbage before
	// it is collected. With the high GOGC of this program, the garbage would
	// otherwise grow to several times the size of the bodies in flight.
	collectAfter = 16 << 20
)

// ErrBodyBudget is the cause of a failure because too many bytes of bodies are
// in flight.
var ErrBodyBudget = errors.New("the budget for request bodies in flight is used up")

// BodyBudget limits the memory that the bodies of all requests in flight take
// up, because most of them are not authenticated yet. The zero value is ready
// to use.
type BodyBudget struct {
	small, large atomic.Int64 // reserved bytes
	garbage      atomic.Int64 // bytes of ended requests since the last collection
}

// Track counts the bytes that are read from the body of r against the budget until
// the caller calls release, which it must do when the request ends. Once the budget is
// used up, reading returns fault.Unavailable. Only bytes that have arrived count: a
// client that only announces a large body must not keep out those of others.
func (b *BodyBudget) Track(r *http.Request) (release func()) {
	if r.Body == nil || r.Body == http.NoBody {
		return func() {}
	}
	body := &trackedBody{ReadCloser: r.Body, budget: b}
	r.Body = body
	return body.release
}

// Untracked returns a body without its budget, for a handler that does not keep the
// bytes in memory.
func Untracked(body io.ReadCloser) io.ReadCloser {
	if tracked, isTracked := body.(*trackedBody); isTracked {
		return tracked.ReadCloser
	}
	return body
}

// trackedBody is the body of one request.
type trackedBody struct {
	io.ReadCloser
	budget       *BodyBudget
	read         int64
	small, large int64 // reserved bytes
}

// Read implements io.Reader.
func (t *trackedBody) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.read += int64(n)
	if fullErr := t.reserve(); fullErr != nil {
		return 0, fullErr
	}
	return n, err
}

// reserve adjusts the reservation to the bytes that were read.
func (t *trackedBody) reserve() error {
	small := max(min(t.read, smallBody)-freeBody, 0) - t.small
	large := max(t.read-smallBody, 0) - t.large
	if !add(&t.budget.large, large, maxLargeBodies) {
		return t.overBudget()
	}
	t.large += large
	if !add(&t.budget.small, small, maxSmallBodies) {
		return t.overBudget()
	}
	t.small += small
	return nil
}

func (t *trackedBody) overBudget() error {
	return fault.Wrap(ErrBodyBudget, fault.Unavailable, "too many large requests at the moment; try again soon")
}

// add adds n to total and reports true, unless total would exceed limit.
func add(total *atomic.Int64, n, limit int64) bool {
	if n == 0 {
		return true
	}
	if total.Add(n) > limit {
		total.Add(-n)
		return false
	}
	return true
}

func (t *trackedBody) release() {
	t.budget.small.Add(-t.small)
	t.budget.large.Add(-t.large)
	if t.read <= freeBody {
		return
	}
	garbage := t.budget.garbage.Add(t.read)
	if garbage >= collectAfter && t.budget.garbage.CompareAndSwap(garbage, 0) {
		runtime.GC()
	}
}
