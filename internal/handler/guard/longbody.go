package guard

import (
	"io"
	"net/http"
	"time"

	"aisha/internal/handler/wire"
)

const (
	// bodyStallLimit is how long a client of a LongBody route may send nothing.
	bodyStallLimit = 30 * time.Second
	// longBodyLimit is how long a whole body of such a route may take.
	longBodyLimit = 15 * time.Minute
)

// LongBody lets the body of a request take longer than the read timeout of the server,
// as long as bytes arrive. The body does not count against the budget of bodies in
// flight, so the handler must not keep it in memory.
func LongBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := &longBody{
			ReadCloser: wire.Untracked(r.Body),
			controller: http.NewResponseController(w),
			end:        time.Now().Add(longBodyLimit),
		}
		body.extend()
		r.Body = body
		next.ServeHTTP(w, r)
	})
}

// longBody extends the deadlines of its connection whenever bytes arrive.
type longBody struct {
	io.ReadCloser
	controller *http.ResponseController
	end        time.Time
}

// Read implements io.Reader.
func (b *longBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.extend()
	}
	return n, err
}

// extend also moves the write deadline, which the server sets before the body is read.
// Errors are those of a ResponseWriter of a test, which has no deadlines.
func (b *longBody) extend() {
	deadline := time.Now().Add(bodyStallLimit)
	if deadline.After(b.end) {
		deadline = b.end
	}
	_ = b.controller.SetReadDeadline(deadline)
	_ = b.controller.SetWriteDeadline(deadline.Add(bodyStallLimit))
}
