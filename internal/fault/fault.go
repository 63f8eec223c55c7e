// Package fault classifies errors: the kind of error, the text that a caller
// may see, and whether a retry can succeed.
//
// An error has two texts. Message is the only one that callers see; the cause
// goes to the log. An error without a classification is [Internal], so a
// forgotten classification hides a cause but never leaks one.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind is the class of an error, from the caller's point of view.
type Kind uint8

// The kinds, one for each row of the failure table in api/openapi.yaml.
const (
	Internal Kind = iota
	Malformed
	Unauthenticated
	Forbidden
	NotFound
	MethodNotAllowed
	Conflict
	TooLarge
	UnsupportedMediaType
	Invalid
	Blocked
	RateLimited
	Upstream
	UpstreamTimeout
	Unavailable
	NotConfigured
)

// Code returns the machine-readable name of the kind.
func (k Kind) Code() string {
	switch k {
	case Malformed:
		return "malformed"
	case Unauthenticated:
		return "unauthenticated"
	case Forbidden:
		return "forbidden"
	case NotFound:
		return "not_found"
	case MethodNotAllowed:
		return "method_not_allowed"
	case Conflict:
		return "conflict"
	case TooLarge:
		return "too_large"
	case UnsupportedMediaType:
		return "unsupported_media_type"
	case Invalid:
		return "invalid"
	case Blocked:
		return "blocked"
	case RateLimited:
		return "rate_limited"
	case Upstream:
		return "upstream_error"
	case UpstreamTimeout:
		return "upstream_timeout"
	case Unavailable:
		return "unavailable"
	case NotConfigured:
		return "not_configured"
	default:
		return "internal"
	}
}

// KindOf returns the kind with that code, and Internal for an unknown one.
func KindOf(code string) Kind {
	for kind := Internal; kind <= NotConfigured; kind++ {
		if kind.Code() == code {
			return kind
		}
	}
	return Internal
}

// String returns the same text as Code.
func (k Kind) String() string { return k.Code() }

// Error is a classified error.
type Error struct {
	Kind    Kind
	Message string  // for the caller; contains no internal names, numbers or causes
	Fields  []Field // set for Invalid only

	// Transient is true if the same call may succeed later.
	Transient bool
	// RetryAfter is the time to wait before a retry, if it is known; otherwise 0.
	RetryAfter time.Duration

	cause error
}

// New returns an error without a cause. Unavailable and UpstreamTimeout errors
// are transient.
func New(kind Kind, message string) *Error {
	return &Error{Kind: kind, Message: message, Transient: kind == Unavailable || kind == UpstreamTimeout}
}

// Wrap returns an error with a cause, which appears in logs only.
func Wrap(cause error, kind Kind, message string) *Error {
	e := New(kind, message)
	e.cause = cause
	return e
}

// Error returns the text for the log: the kind, the message and the cause.
func (e *Error) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("%s: %s", e.Kind, e.Message)
	}
	return fmt.Sprintf("%s: %s: %v", e.Kind, e.Message, e.cause)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Of returns the outermost *Error in err's chain. If the chain has none, it
// returns an Internal error with err as its cause. Of(nil) is nil.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Wrap(err, Internal, "something went wrong on our side")
}

// Is reports whether err is classified as kind.
func Is(err error, kind Kind) bool {
	return err != nil && Of(err).Kind == kind
}
