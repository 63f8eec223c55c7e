// Package resource defines the result of a service call: success with a value,
// failure with an error, or loading while the work continues after the call.
//
// Every exported method of a service returns a [Resource]. The layers below use
// ordinary Go results, (T, error); [From] and [Resource.Get] convert between
// the two.
package resource

import "errors"

// ErrLoading matches every [LoadingError] with errors.Is.
var ErrLoading = errors.New("resource: still loading")

// errInvalid is what Get returns for a Resource that was not built with one of
// the constructors.
var errInvalid = errors.New("resource: zero value used; make one with Success, Failure, Loading or From")

// LoadingError is what Get returns while the work continues.
type LoadingError struct {
	Location string // address where the result will be
}

// Error implements error.
func (e *LoadingError) Error() string {
	return ErrLoading.Error() + "; the result will be at " + e.Location
}

// Unwrap returns ErrLoading.
func (e *LoadingError) Unwrap() error { return ErrLoading }

type state uint8

const (
	invalid state = iota // the zero value must not count as a success
	success
	failure
	loading
)

// Resource is the result of a service call. Its zero value is invalid.
type Resource[T any] struct {
	state state
	value T
	err   error // of a failure, or the *LoadingError of a loading one
}

// Success returns the Resource of completed work.
func Success[T any](value T) Resource[T] {
	return Resource[T]{state: success, value: value}
}

// Failure returns the Resource of failed work. A nil error is a programming
// mistake and yields an invalid Resource.
func Failure[T any](err error) Resource[T] {
	if err == nil {
		return Resource[T]{}
	}
	return Resource[T]{state: failure, err: err}
}

// Loading returns the Resource of work that continues after the call. The
// result will be at location. An empty location is a programming mistake and
// yields an invalid Resource.
func Loading[T any](location string) Resource[T] {
	if location == "" {
		return Resource[T]{}
	}
	return Resource[T]{state: loading, err: &LoadingError{Location: location}}
}

// From converts an ordinary Go result into a Resource.
func From[T any](value T, err error) Resource[T] {
	if err != nil {
		return Failure[T](err)
	}
	return Success(value)
}

// Get converts a Resource into an ordinary Go result. The error of a failure
// is returned unchanged; a loading Resource yields a [*LoadingError], and an
// invalid one an error of its own.
func (r Resource[T]) Get() (T, error) {
	var zero T
	switch r.state {
	case success:
		return r.value, nil
	case failure, loading:
		return zero, r.err
	default:
		return zero, errInvalid
	}
}

// Map applies f to the value of a success and keeps every other state.
func Map[T, U any](r Resource[T], f func(T) U) Resource[U] {
	if r.state == success {
		return Success(f(r.value))
	}
	return Resource[U]{state: r.state, err: r.err}
}
