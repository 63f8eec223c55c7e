package wire

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"aisha/internal/fault"
)

// errBodyNotConsumed marks failures that leave part of the body unread. The
// connection must be closed, or net/http would parse the rest of the body as
// the next request.
var errBodyNotConsumed = errors.New("the body was not read to its end")

// maxPreallocation limits the memory that is reserved because of a
// Content-Length header, before any byte of the body has arrived.
const maxPreallocation = 16 << 10

// ReadBody reads the whole body. Faults: TooLarge for more than limit bytes,
// and Malformed if the body ended early or did not arrive in time.
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), maxPreallocation)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(nil, r.Body, limit))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, tooLarge(limit)
	}
	if err != nil {
		return nil, fault.Wrap(fmt.Errorf("%w: %w", errBodyNotConsumed, err), fault.Malformed,
			"the body broke off, or did not come in time")
	}
	return body.Bytes(), nil
}

func tooLarge(limit int64) error {
	return fault.Wrap(errBodyNotConsumed, fault.TooLarge, fmt.Sprintf("the body is over the limit of %d KiB", limit>>10))
}
