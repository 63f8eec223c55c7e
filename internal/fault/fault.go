// Package fault decides what kind of error happened, what a caller may read of
// it and whether trying again can help.
//
// An error has two texts. Message is the only one a caller can ever see; the
// cause is for the log. An error that nobody classified is [Internal], so that
// forgetting to classify can hide a cause but never leak one.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what happened, from the point of view of whoever called us.
type Kind uint8

// The kinds, one for each row of the table of failures in the contract.
const (
	Internal Kind = iota
	Malformed
	Unauthenticated
	Forbidden
	NotFound
	MethodNotAllowed
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

// Code is the name of the kind that programs read.
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

// String is the same as Code.
func (k Kind) String() string { return k.Code() }

// Field says what is wrong with one member of the caller's input.
type Field struct {
	Name    string
	Message string
}

// Error is an error whose kind is known.
type Error struct {
	Kind    Kind
	Message string  // for the caller: a sentence without names, numbers or causes of ours
	Fields  []Field // of an Invalid input

	// Transient is true where the same call may succeed later.
	Transient bool
	// RetryAfter is how long to wait before that, where the other side said so.
	RetryAfter time.Duration

	cause error
}

// New is an error without a cause.
func New(kind Kind, message string) *Error {
	return &Error{Kind: kind, Message: message, Transient: kind == Unavailable || kind == UpstreamTimeout}
}

// Wrap is an error with a cause, which only the log shows.
func Wrap(cause error, kind Kind, message string) *Error {
	e := New(kind, message)
	e.cause = cause
	return e
}

// InvalidField is the error of an input with one member that is wrong.
func InvalidField(name, message string) *Error {
	e := New(Invalid, "the request is not valid")
	e.Fields = []Field{{Name: name, Message: message}}
	return e
}

// Error is the text for the log: the kind, the message and the cause.
func (e *Error) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("%s: %s", e.Kind, e.Message)
	}
	return fmt.Sprintf("%s: %s: %v", e.Kind, e.Message, e.cause)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Of is the outermost classified error in err's chain. An error that nobody
// classified is Internal, with err as its cause. Of(nil) is nil.
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
