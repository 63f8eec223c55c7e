package geminiapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"aisha/internal/fault"
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
	modelNotFound      outcome = "model_not_found"      // 404, or 400 because the model is retired
	requestRejected    outcome = "request_rejected"     // any other status
	truncated          outcome = "truncated"            // the response began and did not end
	malformed          outcome = "malformed"            // the body is not in the API's format
	empty              outcome = "empty"                // a complete response without text
	outOfTokens        outcome = "out_of_tokens"        // thinking used up the output tokens
	blocked            outcome = "blocked"              // the prompt or the text was blocked
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
// ran out of tokens while thinking will do so again and is not retried; an empty
// or truncated response is usually followed by a complete one.
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
	case keyRejected:
		return consequences{kind: fault.Upstream, message: "the model is not available"}
	case modelNotFound:
		return consequences{kind: fault.Upstream, message: "the model is not available", useFallback: true}
	case requestRejected:
		return consequences{kind: fault.Upstream, message: "the model could not process the request"}
	case truncated:
		return consequences{kind: fault.Upstream, message: "the model's answer was cut short; try again", transient: true, retry: true}
	case malformed:
		return consequences{kind: fault.Upstream, message: "the model's answer could not be read", transient: true}
	case empty:
		return consequences{kind: fault.Upstream, message: "the model had nothing to say; try again", transient: true, retry: true}
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
	case keyRejected, modelNotFound:
		return slog.LevelError
	case blocked, canceled:
		return slog.LevelInfo
	case completed:
		return slog.LevelDebug
	default:
		return slog.LevelWarn
	}
}

// failure is the error of an attempt. Its text is for the log. It contains no
// key, no URL, no prompt and no completion.
type failure struct {
	outcome    outcome
	detail     string
	retryAfter time.Duration // the API's own delay; zero if it gave none
	cause      error
}

// Error implements error.
func (f *failure) Error() string {
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
func (f *failure) Unwrap() error { return f.cause }

// failureOf returns the *failure in err's chain, or makes one from err. It
// drops the texts that http.Client and the SDK add, because they contain the URL
// or quote the response. Of other errors it keeps only the type.
func failureOf(err error) *failure {
	var f *failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return f
	case errors.Is(err, context.Canceled):
		return &failure{outcome: canceled, cause: context.Canceled}
	case errors.Is(err, context.DeadlineExceeded):
		return &failure{outcome: timedOut, cause: context.DeadlineExceeded}
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return &failure{outcome: malformed, detail: fmt.Sprintf("the SDK failed with a %T", err)}
}

// callerError returns the error that Generate returns for f.
func (f *failure) callerError() error {
	if f.outcome == canceled {
		return fmt.Errorf("gemini api: %w", context.Canceled)
	}
	c := f.outcome.consequences()
	e := fault.Wrap(f, c.kind, c.message)
	e.Transient, e.RetryAfter = c.transient, f.retryAfter
	return e
}
