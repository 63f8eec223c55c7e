package fault_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"aisha/internal/fault"
)

func TestOfFindsTheOutermostFault(t *testing.T) {
	t.Parallel()
	inner := fault.New(fault.NotFound, "no such thing")
	outer := fault.Wrap(inner, fault.Unavailable, "later")
	if got := fault.Of(fmt.Errorf("reading: %w", outer)); got != outer {
		t.Errorf("got %v, want the outer fault", got)
	}
}

func TestWhatNobodyClassifiedIsInternalAndSaysNothing(t *testing.T) {
	t.Parallel()
	got := fault.Of(errors.New("password=hunter2"))
	if got.Kind != fault.Internal || strings.Contains(got.Message, "hunter2") {
		t.Errorf("got %v with message %q", got.Kind, got.Message)
	}
	if !strings.Contains(got.Error(), "hunter2") {
		t.Error("the cause is lost for the log")
	}
}

func TestOfNothingIsNothing(t *testing.T) {
	t.Parallel()
	if fault.Of(nil) != nil || fault.Is(nil, fault.Internal) {
		t.Error("nil is taken for an error")
	}
}

func TestWrapKeepsTheCause(t *testing.T) {
	t.Parallel()
	if err := fault.Wrap(io.EOF, fault.Upstream, "bad answer"); !errors.Is(err, io.EOF) || !fault.Is(err, fault.Upstream) {
		t.Errorf("got %v", err)
	}
}

func TestEveryKindHasACodeOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]fault.Kind{}
	for k := fault.Internal; k <= fault.NotConfigured; k++ {
		if other, twice := seen[k.Code()]; twice {
			t.Errorf("kinds %d and %d share the code %q", k, other, k.Code())
		}
		seen[k.Code()] = k
	}
}
