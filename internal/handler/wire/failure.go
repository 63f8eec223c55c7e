package wire

import (
	"context"
	"errors"
	"maps"
	"math"
	"net/http"
	"strconv"
	"time"

	"aisha/internal/fault"
)

// defaultRetryAfter is the Retry-After of unavailable and rate_limited
// failures that specify no time.
const defaultRetryAfter = 5 * time.Second

// StatusOf returns the HTTP status of the failure response for err.
func StatusOf(err error) int { return status(classify(err).Kind) }

// status maps a kind of fault to its HTTP status, as api/openapi.yaml lists
// them.
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
	case fault.Conflict:
		return http.StatusConflict
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

type failureBody struct {
	Status  string       `json:"status"`
	Data    *struct{}    `json:"data"` // always null
	Error   string       `json:"error"`
	Code    string       `json:"code"`
	Details []fieldError `json:"details,omitempty"`
}

type fieldError struct {
	Field   string          `json:"field"`
	Code    fault.FieldCode `json:"code"`
	Message string          `json:"message"`
}

// FailurePage renders a failure as a page for people. Its Response has a Header;
// the status and the headers of the failure are added to it. It returns false
// for failures that stay JSON.
type FailurePage func(*fault.Error) (Response, bool)

type failurePageKey struct{}

// WithFailurePage returns a context whose failures are rendered with page and
// not as JSON. It is for requests that a browser sends without a script.
func WithFailurePage(ctx context.Context, page FailurePage) context.Context {
	return context.WithValue(ctx, failurePageKey{}, page)
}

// failureResponse returns the response for err and records err in the
// request's log. The response contains the fault's message and fields, never
// its cause.
func failureResponse(ctx context.Context, err error) Response {
	f := classify(err)
	RequestLogOf(ctx).Failure = err

	if render, isPage := ctx.Value(failurePageKey{}).(FailurePage); isPage {
		if page, rendered := render(f); rendered {
			page.Status = status(f.Kind)
			maps.Copy(page.Header, failureHeader(f, err))
			return page
		}
	}
	body := failureBody{Status: "failure", Error: f.Message, Code: f.Kind.Code()}
	for _, field := range f.Fields {
		body.Details = append(body.Details, fieldError{Field: field.Name, Code: field.Code, Message: field.Message})
	}
	return Response{Status: status(f.Kind), Header: failureHeader(f, err), Body: body}
}

// classify returns the fault of err. An unclassified DeadlineExceeded comes
// from one of our own timeouts, because a client that disconnects causes
// Canceled, so it counts as Unavailable.
func classify(err error) *fault.Error {
	f := fault.Of(err)
	if f.Kind == fault.Internal && errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(err, fault.Unavailable, "this took too long; try again soon")
	}
	return f
}

// failureHeader returns the headers that let the client react to a failure.
func failureHeader(f *fault.Error, err error) http.Header {
	header := http.Header{}
	wait := f.RetryAfter
	if wait <= 0 && (f.Kind == fault.Unavailable || f.Kind == fault.RateLimited) {
		wait = defaultRetryAfter
	}
	if wait > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	if f.Kind == fault.Unauthenticated {
		header.Set("WWW-Authenticate", `Bearer realm="aisha"`)
	}
	if errors.Is(err, errBodyNotConsumed) {
		header.Set("Connection", "close")
	}
	return header
}
