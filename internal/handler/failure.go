package handler

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"aisha/internal/fault"
)

// statusCallerGone is logged for a request whose caller hung up. Nobody
// receives it; the number is the custom of nginx.
const statusCallerGone = 499

// retryAfter is what a caller is told to wait where nobody knows better.
const retryAfter = 5 * time.Second

// status is the table of the contract: what happened → the status.
func status(kind fault.Kind) int {
	switch kind {
	case fault.Malformed:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.MethodNotAllowed:
		return http.StatusMethodNotAllowed
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.UnsupportedMediaType:
		return http.StatusUnsupportedMediaType
	case fault.Invalid, fault.Blocked:
		return http.StatusUnprocessableEntity
	case fault.RateLimited:
		return http.StatusTooManyRequests
	case fault.UpstreamTimeout:
		return http.StatusGatewayTimeout
	case fault.Unavailable, fault.NotConfigured:
		return http.StatusServiceUnavailable
	default: // Internal, Upstream
		return http.StatusInternalServerError
	}
}

type failure struct {
	Status  string    `json:"status"`
	Data    *struct{} `json:"data"` // always null
	Error   string    `json:"error"`
	Code    string    `json:"code"`
	Details []detail  `json:"details,omitempty"`
}

type detail struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// refuse is the answer to a request that failed. It shows the fault's message
// and nothing of its cause, which it hands to the log.
func refuse(ctx context.Context, err error) reply {
	f := classify(err)
	exchangeOf(ctx).failure = err

	body := failure{Status: "failure", Error: f.Message, Code: f.Kind.Code()}
	for _, field := range f.Fields {
		body.Details = append(body.Details, detail{Field: field.Name, Message: field.Message})
	}
	return reply{status: status(f.Kind), header: advice(f, err), body: body}
}

// classify is the fault in err. Time that ran out where nobody translated it
// was ours, because a caller's end is a cancellation and not a deadline.
func classify(err error) *fault.Error {
	f := fault.Of(err)
	if f.Kind == fault.Internal && errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(err, fault.Unavailable, "this took too long; try again soon")
	}
	return f
}

// advice is what the caller's client should do about a failure, as headers.
func advice(f *fault.Error, err error) http.Header {
	header := http.Header{}
	wait := f.RetryAfter
	if wait <= 0 && (f.Kind == fault.Unavailable || f.Kind == fault.RateLimited) {
		wait = retryAfter
	}
	if wait > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	if f.Kind == fault.Unauthenticated {
		header.Set("WWW-Authenticate", `Bearer realm="aisha"`)
	}
	if errors.Is(err, errBodyLeftUnread) {
		header.Set("Connection", "close")
	}
	return header
}

// unrouted answers what no route takes: with 405 where other methods of the
// same path exist, with 404 where none does.
func unrouted(r *http.Request) (reply, error) {
	allowed := allowedMethods(r)
	if len(allowed) == 0 {
		return reply{}, fault.New(fault.NotFound, "there is nothing here; the routes are listed at /docs")
	}
	return reply{header: http.Header{"Allow": {allowed}}},
		fault.New(fault.MethodNotAllowed, "this method is not allowed here; use "+allowed)
}
