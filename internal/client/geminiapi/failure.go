package geminiapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"aisha/internal/fault"
	"aisha/internal/service/gemini"
)

// outcome classifies an attempt. Its text appears in logs and metrics.
type outcome string

const (
	completed          outcome = "completed"            // success
	canceled           outcome = "canceled"             // the caller canceled the request
	timedOut           outcome = "timed_out"            // no complete response within the timeout
	unreachable        outcome = "unreachable"          // no connection, or closed before any response
	overloaded         outcome = "overloaded"           // 503, or 429 for a quota per minute
	dailyQuotaExceeded outcome = "daily_quota_exceeded" // 429 for a quota per day
	serverError        outcome = "server_error"         // any other 5xx
	keyRejected        outcome = "key_rejected"         // 401, 403, or 400 because of the key

	locationUnsupported outcome = "location_unsupported" // 400 because of the country or missing billing

	modelNotFound   outcome = "model_not_found"  // 404, or 400 because the model is retired
	requestRejected outcome = "request_rejected" // any other status
	truncated       outcome = "truncated"        // the response began and did not end
	malformed       outcome = "malformed"        // the body is not in the API's format
	empty           outcome = "empty"            // a complete response without text
	outOfTokens     outcome = "out_of_tokens"    // thinking used up the output tokens
	blocked         outcome = "blocked"          // the prompt or the text was blocked
)

// consequences says how a failed attempt is handled.
type consequences struct {
	kind        fault.Kind
	message     string // for the caller
	transient   bool   // the same request can succeed later
	retry       bool   // the same model can succeed within seconds
	useFallback bool   // another model can succeed
}

// consequences returns how an attempt with outcome o is handled. A model that
// ran out of tokens while thinking will do so again with the same limit. A
// truncated response is usually followed by a complete one. An empty or malformed
// one is not retried here: the model ended it so, or it does not come from the API.
func (o outcome) consequences() consequences {
	switch o {
	case timedOut:
		return consequences{kind: fault.UpstreamTimeout, message: "the model did not answer in time", transient: true}
	case unreachable:
		return consequences{kind: fault.UpstreamTimeout, message: "the model could not be reached", transient: true, retry: true}
	case overloaded:
		return consequences{kind: fault.Upstream, message: "the model is overloaded; try again later", transient: true, retry: true, useFallback: true}
	case dailyQuotaExceeded:
		return consequences{kind: fault.Upstream, message: "the model is overloaded; try again later", transient: true, useFallback: true}
	case serverError:
		return consequences{kind: fault.Upstream, message: "the model answered with an error; try again later", transient: true, retry: true}
	case keyRejected, locationUnsupported:
		return consequences{kind: fault.Upstream, message: "the model is not available"}
	case modelNotFound:
		return consequences{kind: fault.Upstream, message: "the model is not available", useFallback: true}
	case requestRejected:
		return consequences{kind: fault.Upstream, message: "the model could not process the request"}
	case truncated:
		return consequences{kind: fault.Upstream, message: "the model's answer was cut short; try again", retry: true}
	case malformed:
		return consequences{kind: fault.Upstream, message: "the model's answer could not be read"}
	case empty:
		return consequences{kind: fault.Upstream, message: "the model had nothing to say; try again"}
	case outOfTokens:
		return consequences{kind: fault.Upstream, message: "the model ran out of room before it could answer; ask for less at once"}
	case blocked:
		return consequences{kind: fault.Blocked, message: "the model declined to answer this"}
	default:
		return consequences{kind: fault.Internal, message: "something went wrong on our side"}
	}
}

// logLevel returns Error for an outcome that needs an operator, and Info for
// one that is caused by the caller.
func (o outcome) logLevel() slog.Level {
	switch o {
	case keyRejected, locationUnsupported, modelNotFound:
		return slog.LevelError
	case blocked, canceled:
		return slog.LevelInfo
	case completed:
		return slog.LevelDebug
	default:
		return slog.LevelWarn
	}
}

// ErrInvalidRequest matches, with errors.Is, the error of Generate for a request
// whose content the API refused: it cannot read a file, or the request is too
// large. The same request fails each time, and one without its files can
// succeed.
var ErrInvalidRequest = errors.New("gemini api: the content of the request is refused")

// Failure is the cause of the faults that Generate returns. Its text is for the
// log. It contains no key, no URL, no prompt and no completion.
type Failure struct {
	outcome    outcome
	detail     string
	status     int           // HTTP status, or the code of an error within a stream; zero for other failures
	retryAfter time.Duration // the API's own delay; zero if it gave none
	cause      error

	// perhapsComplete is a completion whose finish reason is empty. It is used if
	// further attempts have no better result.
	perhapsComplete *gemini.Completion
}

// Reason returns a short constant name of the cause, such as "key_rejected", for
// alarms and metrics. It is also the outcome that Options.Observe receives.
func (f *Failure) Reason() string { return string(f.outcome) }

// Is implements the interface of errors.Is for ErrInvalidRequest.
func (f *Failure) Is(target error) bool {
	return target == ErrInvalidRequest && f.outcome == requestRejected &&
		(f.status == http.StatusBadRequest || f.status == http.StatusRequestEntityTooLarge)
}

// Error implements error.
func (f *Failure) Error() string {
	text := "gemini api: " + string(f.outcome)
	if f.detail != "" {
		text += ": " + f.detail
	}
	if f.cause != nil {
		text += ": " + f.cause.Error()
	}
	return text
}

// Unwrap returns the cause, which may be nil.
func (f *Failure) Unwrap() error { return f.cause }

// failureOf returns the *Failure in err's chain, or makes one from err. It
// drops the texts that http.Client and the SDK add, because they contain the URL
// or quote the response. Of other errors it keeps only the type.
func failureOf(err error) *Failure {
	var f *Failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return f
	case errors.Is(err, context.Canceled):
		return &Failure{outcome: canceled, cause: context.Canceled}
	case errors.Is(err, context.DeadlineExceeded):
		return &Failure{outcome: timedOut, cause: context.DeadlineExceeded}
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return &Failure{outcome: malformed, detail: fmt.Sprintf("the SDK failed with a %T", err)}
}

// callerError returns the error that Generate returns for f.
func (f *Failure) callerError() error {
	if f.outcome == canceled {
		return fmt.Errorf("gemini api: %w", context.Canceled)
	}
	c := f.outcome.consequences()
	e := fault.Wrap(f, c.kind, c.message)
	e.Transient, e.RetryAfter = c.transient, f.retryAfter
	return e
}
