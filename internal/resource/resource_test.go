package resource_test

import (
	"errors"
	"io"
	"strconv"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/resource"
)

func TestSuccessGivesItsValue(t *testing.T) {
	t.Parallel()
	if v, err := resource.Success(7).Get(); v != 7 || err != nil {
		t.Errorf("got %d, %v", v, err)
	}
}

func TestFailureShowsItsFirstCause(t *testing.T) {
	t.Parallel()
	_, err := resource.From(7, error(fault.Wrap(io.EOF, fault.Unavailable, "later"))).Get()
	var f *fault.Error
	if !errors.Is(err, io.EOF) || !errors.As(err, &f) || f.Kind != fault.Unavailable {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestLoadingIsNeitherSuccessNorFailure(t *testing.T) {
	t.Parallel()
	if _, err := resource.Loading[int]().Get(); !errors.Is(err, resource.ErrLoading) {
		t.Errorf("got %v, want ErrLoading", err)
	}
}

func TestZeroValueAndFailureWithoutErrorAreInvalid(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]resource.Resource[int]{"zero": {}, "failure of nil": resource.Failure[int](nil)} {
		if _, err := r.Get(); err == nil || errors.Is(err, resource.ErrLoading) {
			t.Errorf("%s: got %v, want an error of its own", name, err)
		}
	}
}

func TestMapChangesOnlyASuccess(t *testing.T) {
	t.Parallel()
	if v, err := resource.Map(resource.Success(7), strconv.Itoa).Get(); v != "7" || err != nil {
		t.Errorf("success: got %q, %v", v, err)
	}
	if _, err := resource.Map(resource.Failure[int](io.EOF), strconv.Itoa).Get(); !errors.Is(err, io.EOF) {
		t.Errorf("failure: got %v", err)
	}
	if _, err := resource.Map(resource.Loading[int](), strconv.Itoa).Get(); !errors.Is(err, resource.ErrLoading) {
		t.Errorf("loading: got %v", err)
	}
}
