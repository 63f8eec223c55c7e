package handler

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"aisha/internal/fault"
)

// The limits of the contract.
const (
	maxAPIBody     = 64 << 10
	maxWebhookBody = 4 << 20
)

// errBodyLeftUnread marks failures after which the connection is closed,
// because the rest of the body would be taken for the next request.
var errBodyLeftUnread = errors.New("the body was not read to its end")

// maxFirstRead bounds what a caller can make us set aside for a body by its
// announced length alone.
const maxFirstRead = 16 << 10

// readBody reads the whole body, at most limit bytes. Faults: TooLarge, and
// Malformed for a body that broke off or did not come in time.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit) // without waiting for any of it
	}
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), maxFirstRead)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(nil, r.Body, limit))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, tooLarge(limit)
	}
	if err != nil {
		return nil, fault.Wrap(fmt.Errorf("%w: %w", errBodyLeftUnread, err), fault.Malformed,
			"the body broke off, or did not come in time")
	}
	return body.Bytes(), nil
}

func tooLarge(limit int64) error {
	return fault.Wrap(errBodyLeftUnread, fault.TooLarge, fmt.Sprintf("the body is over the limit of %d KiB", limit>>10))
}
