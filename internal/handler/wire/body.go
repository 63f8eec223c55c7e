package wire

import (
	"bytes"
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

// Limits of the size of a segment of a body, in bytes. The first one is allocated
// before any byte arrives, so it is no larger than what the budget leaves uncounted.
const (
	minSegment = freeBody
	maxSegment = 256 << 10
)

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
	if err != nil {
		return nil, unreadable(err)
	}
	return body, nil
}

// DiscardBody reads up to limit bytes of the body. Faults: as of ReadBody, but not
// TooLarge.
func DiscardBody(body io.Reader, limit int64) error {
	_, err := io.CopyN(io.Discard, body, limit)
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	return unreadable(err)
}

func unreadable(err error) error {
	if errors.Is(err, ErrBodyBudget) {
		return fmt.Errorf("%w: %w", errBodyNotConsumed, err)
	}
	return fault.Wrap(fmt.Errorf("%w: %w", errBodyNotConsumed, err), fault.Malformed,
		"the body broke off, or did not come in time")
}

// readAll reads body to its end. announced is the Content-Length, or -1. The body
// is read in segments that are joined at the end: beyond the first segment memory is
// allocated only as bytes arrive, and a buffer that grows would leave garbage.
func readAll(body io.Reader, announced int64) ([]byte, error) {
	var full [][]byte
	read := int64(0) // bytes in full
	segment := make([]byte, 0, segmentSize(read, announced))
	for {
		n, err := body.Read(segment[len(segment):cap(segment)])
		segment = segment[:len(segment)+n]
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(segment) == cap(segment) {
			full, read = append(full, segment), read+int64(len(segment))
			segment = make([]byte, 0, segmentSize(read, announced))
		}
	}
	if full == nil {
		return segment, nil
	}
	return bytes.Join(append(full, segment), nil), nil
}

// segmentSize returns the size of the segment after read bytes. It is as large as
// everything before it, within limits, and one byte larger than the rest of the
// body where that is known. That byte lets Read find the end of the body.
func segmentSize(read, announced int64) int64 {
	next := min(max(read, minSegment), maxSegment)
	if left := announced - read; left >= 0 && left < next {
		return left + 1
	}
	return next
}

func tooLarge(limit int64) error {
	return fault.Wrap(errBodyNotConsumed, fault.TooLarge, fmt.Sprintf("the body is over the limit of %d KiB", limit>>10))
}
