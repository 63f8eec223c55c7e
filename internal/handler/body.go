package handler

import (
	"errors"
	"fmt"
	"io"
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

// readBody reads the whole body, at most limit bytes. Faults: TooLarge, and
// Malformed for a body that broke off or did not come in time.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	tooLarge := fault.Wrap(errBodyLeftUnread, fault.TooLarge, fmt.Sprintf("the body is over the limit of %d KiB", limit>>10))
	if r.ContentLength > limit {
		return nil, tooLarge // without waiting for any of it
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, tooLarge
	}
	if err != nil {
		return nil, fault.Wrap(fmt.Errorf("%w: %w", errBodyLeftUnread, err), fault.Malformed,
			"the body broke off, or did not come in time")
	}
	return body, nil
}
