package geminiapi

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"aisha/internal/fault"
)

// reason is what went wrong with an attempt, as far as the next step depends
// on it. Its text is the attempt's outcome in logs and metrics.
type reason string

const (
	answered    reason = "answered"     // nothing went wrong
	hungUp      reason = "hung_up"      // the caller did not wait
	timedOut    reason = "timed_out"    // no answer in time
	unreachable reason = "unreachable"  // no connection, or it was cut before any answer
	overloaded  reason = "overloaded"   // 503, and 429 that passes within minutes
	quotaSpent  reason = "quota_spent"  // 429 until the day is over
	broken      reason = "broken"       // 5xx
	keyRejected reason = "key_rejected" // 401, 403, and 400 that names the key
	gone        reason = "gone"         // no such model any more
	rejected    reason = "rejected"     // any other status
	truncated   reason = "truncated"    // the answer began and did not end
	unreadable  reason = "unreadable"   // a body that is not the API's
	empty       reason = "empty"        // a complete answer without a word in it
	exhausted   reason = "exhausted"    // everything it may say went into thinking
	refused     reason = "refused"      // the prompt or the answer was blocked
)

// verdict is what follows from a reason.
type verdict struct {
	kind      fault.Kind
	message   string
	transient bool // asking again later can help
	repeat    bool // asking the same model again within seconds can help
	fallback  bool // another model may answer where this one does not
}

// verdict is the one table of what failures mean. An answer that ran out of
// tokens while thinking will do so again, but one that came back empty or
// malformed is a whim of the model.
func (r reason) verdict() verdict {
	const later = true
	switch r {
	case timedOut:
		return verdict{fault.UpstreamTimeout, "the model did not answer in time", later, false, false}
	case unreachable:
		return verdict{fault.UpstreamTimeout, "the model could not be reached", later, true, false}
	case overloaded:
		return verdict{fault.Upstream, "the model is overloaded; try again later", later, true, true}
	case quotaSpent:
		return verdict{fault.Upstream, "the model is overloaded; try again later", later, false, true}
	case broken:
		return verdict{fault.Upstream, "the model answered with an error; try again later", later, true, false}
	case keyRejected:
		return verdict{fault.Upstream, "the model is not available", false, false, false}
	case gone:
		return verdict{fault.Upstream, "the model is not available", false, false, true}
	case rejected:
		return verdict{fault.Upstream, "the model could not process the request", false, false, false}
	case truncated:
		return verdict{fault.Upstream, "the model's answer was cut short; try again", later, true, false}
	case unreadable:
		return verdict{fault.Upstream, "the model's answer could not be read", later, false, false}
	case empty:
		return verdict{fault.Upstream, "the model had nothing to say; try again", later, true, false}
	case exhausted:
		return verdict{fault.Upstream, "the model ran out of room before it could answer; ask for less at once", false, false, false}
	case refused:
		return verdict{fault.Blocked, "the model declined to answer this", false, false, false}
	default:
		return verdict{fault.Internal, "something went wrong on our side", false, false, false}
	}
}

// failure is an attempt that brought no answer. Its text is for the log and
// holds no key, no URL and nothing that anybody said.
type failure struct {
	reason     reason
	detail     string
	retryAfter time.Duration // where the API said so
	cause      error
}

func (f *failure) Error() string {
	text := "gemini api: " + string(f.reason)
	if f.detail != "" {
		text += ": " + f.detail
	}
	if f.cause != nil {
		text += ": " + f.cause.Error()
	}
	return text
}

func (f *failure) Unwrap() error { return f.cause }

// failureOf is the failure in err, or the one that err amounts to. The layers
// above the transport wrap its errors into texts with the URL, which are
// dropped; what the SDK itself says may quote the answer, so only its type is
// kept.
func failureOf(err error) *failure {
	var f *failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return f
	case errors.Is(err, context.Canceled):
		return &failure{reason: hungUp, cause: context.Canceled}
	case errors.Is(err, context.DeadlineExceeded):
		return &failure{reason: timedOut, cause: context.DeadlineExceeded}
	}
	var in *url.Error
	if errors.As(err, &in) {
		err = in.Err
	}
	return &failure{reason: unreadable, detail: fmt.Sprintf("the SDK failed with a %T", err)}
}

// forCaller is the error that Generate returns for f.
func (f *failure) forCaller() error {
	if f.reason == hungUp {
		return fmt.Errorf("gemini api: %w", context.Canceled)
	}
	v := f.reason.verdict()
	e := fault.Wrap(f, v.kind, v.message)
	e.Transient, e.RetryAfter = v.transient, f.retryAfter
	return e
}
