package wire

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"aisha/internal/fault"
)

// errBodyNotConsumed marks failures that leave part of the body unread. The
// connection must be closed, or net/http would parse the rest of the body as
// the next request.
var errBodyNotConsumed = errors.New("the body was not read to its end")

// firstBuffer is the size of the buffer for the beginning of a body, in bytes.
// A larger one is allocated only after that many bytes have arrived, because a
// client may announce any Content-Length.
const firstBuffer = 16 << 10

// ReadBody reads the whole body. Faults: TooLarge for more than limit bytes,
// Malformed if the body ended early or did not arrive in time, and Unavailable
// if the budget for bodies in flight is used up.
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	body, err := readAll(http.MaxBytesReader(nil, r.Body, limit), r.ContentLength)
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, tooLarge(limit)
	}
	if errors.Is(err, ErrBodyBudget) {
		return nil, fmt.Errorf("%w: %w", errBodyNotConsumed, err)
	}
	if err != nil {
		return nil, fault.Wrap(fmt.Errorf("%w: %w", errBodyNotConsumed, err), fault.Malformed,
			"the body broke off, or did not come in time")
	}
	return body, nil
}

// readAll reads body to its end. announced is the Content-Length, or -1.
func readAll(body io.Reader, announced int64) ([]byte, error) {
	buffer := make([]byte, 0, bufferSize(0, announced))
	for {
		n, err := body.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if errors.Is(err, io.EOF) {
			return buffer, nil
		}
		if err != nil {
			return nil, err
		}
		if len(buffer) == cap(buffer) {
			larger := make([]byte, len(buffer), bufferSize(int64(len(buffer)), announced))
			copy(larger, buffer)
			buffer = larger
		}
	}
}

// bufferSize returns the size of the next buffer after size bytes were read: four
// times as many, but at most one byte more than announced. That byte lets Read
// find the end of the body. The buffer of a body of unknown length grows in
// smaller steps, because what exceeds the end of the body is wasted.
func bufferSize(size, announced int64) int64 {
	if announced < size {
		return size + max(size/2, firstBuffer)
	}
	if next := max(4*size, firstBuffer); next < announced {
		return next
	}
	return announced + 1
}

func tooLarge(limit int64) error {
	return fault.Wrap(errBodyNotConsumed, fault.TooLarge, fmt.Sprintf("the body is over the limit of %d KiB", limit>>10))
}
