package resource_test

import (
	"errors"
	"io"
	"strconv"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/resource"
)

func TestSuccess(t *testing.T) {
	t.Parallel()
	if v, err := resource.Success(7).Get(); v != 7 || err != nil {
		t.Errorf("got %d, %v; want 7 and no error", v, err)
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	_, err := resource.From(7, error(fault.Wrap(io.EOF, fault.Unavailable, "later"))).Get()
	var f *fault.Error
	if !errors.Is(err, io.EOF) || !errors.As(err, &f) || f.Kind != fault.Unavailable {
		t.Errorf("got %v, want an unavailable fault that wraps io.EOF", err)
	}
}

func TestLoading(t *testing.T) {
	t.Parallel()
	_, err := resource.Loading[int]("/exports/7").Get()
	if !errors.Is(err, resource.ErrLoading) {
		t.Errorf("got %v, want ErrLoading", err)
	}
	checkLocation(t, err, "/exports/7")
}

func checkLocation(t *testing.T, err error, want string) {
	t.Helper()
	var loading *resource.LoadingError
	if !errors.As(err, &loading) || loading.Location != want {
		t.Errorf("got %v, want a LoadingError with the location %q", err, want)
	}
}

func TestResource_Get(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]resource.Resource[int]{
		"zero_value":               {},
		"failure_without_error":    resource.Failure[int](nil),
		"loading_without_location": resource.Loading[int](""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := r.Get(); err == nil || errors.Is(err, resource.ErrLoading) {
				t.Errorf("got %v, want an error other than ErrLoading", err)
			}
		})
	}
}

func TestMap(t *testing.T) {
	t.Parallel()
	if v, err := resource.Map(resource.Success(7), strconv.Itoa).Get(); v != "7" || err != nil {
		t.Errorf("success: got %q, %v; want %q and no error", v, err, "7")
	}
	if _, err := resource.Map(resource.Failure[int](io.EOF), strconv.Itoa).Get(); !errors.Is(err, io.EOF) {
		t.Errorf("failure: got %v, want io.EOF", err)
	}
	_, err := resource.Map(resource.Loading[int]("/exports/7"), strconv.Itoa).Get()
	if !errors.Is(err, resource.ErrLoading) {
		t.Errorf("loading: got %v, want ErrLoading", err)
	}
	checkLocation(t, err, "/exports/7")
}
