// Package resource decides once how the outcome of a service call is said:
// success with a value, failure with an error, or loading while the work goes on.
//
// Every exported method of a service returns a [Resource]. Everything below a
// service stays ordinary Go, (T, error); [From] and [Resource.Get] are the
// bridges between the two.
package resource

import "errors"

// ErrLoading is what Get returns while the work goes on.
var ErrLoading = errors.New("resource: still loading")

// errInvalid is what Get returns for a Resource that nobody made.
var errInvalid = errors.New("resource: zero value used; make one with Success, Failure, Loading or From")

type state uint8

const (
	invalid state = iota // the zero value is a mistake, never a success
	success
	failure
	loading
)

// Resource is the outcome of a service call. Its zero value is invalid.
type Resource[T any] struct {
	state state
	value T
	err   error
}

// Success is work that is done.
func Success[T any](value T) Resource[T] {
	return Resource[T]{state: success, value: value}
}

// Failure is work that could not be done. A nil error is a mistake of the
// caller and yields an invalid Resource, which Get reports.
func Failure[T any](err error) Resource[T] {
	if err == nil {
		return Resource[T]{}
	}
	return Resource[T]{state: failure, err: err}
}

// Loading is work that goes on after the call.
func Loading[T any]() Resource[T] {
	return Resource[T]{state: loading}
}

// From turns the result of an ordinary Go function into a Resource.
func From[T any](value T, err error) Resource[T] {
	if err != nil {
		return Failure[T](err)
	}
	return Success(value)
}

// Get turns a Resource into the result of an ordinary Go function. The error
// of a failure is returned as it was given, so that errors.Is and errors.As
// see its first cause; a Resource that is loading yields [ErrLoading].
func (r Resource[T]) Get() (T, error) {
	var zero T
	switch r.state {
	case success:
		return r.value, nil
	case failure:
		return zero, r.err
	case loading:
		return zero, ErrLoading
	default:
		return zero, errInvalid
	}
}

// Map changes the value of a success and leaves everything else as it is.
func Map[T, U any](r Resource[T], f func(T) U) Resource[U] {
	if r.state == success {
		return Success(f(r.value))
	}
	return Resource[U]{state: r.state, err: r.err}
}
