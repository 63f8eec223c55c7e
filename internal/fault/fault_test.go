package fault_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"aisha/internal/fault"
)

func TestOf(t *testing.T) {
	t.Parallel()
	t.Run("outermost_fault", func(t *testing.T) {
		t.Parallel()
		inner := fault.New(fault.NotFound, "no such thing")
		outer := fault.Wrap(inner, fault.Unavailable, "later")
		if got := fault.Of(fmt.Errorf("reading: %w", outer)); got != outer {
			t.Errorf("got %v, want the outer fault %v", got, outer)
		}
	})
	t.Run("unclassified_error_is_internal_and_its_text_is_hidden", func(t *testing.T) {
		t.Parallel()
		got := fault.Of(errors.New("password=hunter2"))
		if got.Kind != fault.Internal || strings.Contains(got.Message, "hunter2") {
			t.Errorf("got kind %v and message %q, want kind internal and a message without the cause", got.Kind, got.Message)
		}
		if !strings.Contains(got.Error(), "hunter2") {
			t.Errorf("the log text is %q, want it to contain the cause", got.Error())
		}
	})
	t.Run("nil", func(t *testing.T) {
		t.Parallel()
		if fault.Of(nil) != nil || fault.Is(nil, fault.Internal) {
			t.Errorf("Of(nil) = %v, Is(nil, Internal) = %t; want nil and false", fault.Of(nil), fault.Is(nil, fault.Internal))
		}
	})
}

func TestWrap(t *testing.T) {
	t.Parallel()
	if err := fault.Wrap(io.EOF, fault.Upstream, "bad answer"); !errors.Is(err, io.EOF) || !fault.Is(err, fault.Upstream) {
		t.Errorf("got %v, want an upstream fault that wraps io.EOF", err)
	}
}

func TestKind_Code(t *testing.T) {
	t.Parallel()
	kinds := map[string]fault.Kind{}
	for k := fault.Internal; k <= fault.NotConfigured; k++ {
		if other, exists := kinds[k.Code()]; exists {
			t.Errorf("kinds %d and %d share the code %q", k, other, k.Code())
		}
		kinds[k.Code()] = k
	}
	if got := fault.Conflict.Code(); got != "conflict" {
		t.Errorf("Conflict.Code() = %q, want %q", got, "conflict")
	}
}

func TestInvalidField(t *testing.T) {
	t.Parallel()
	got := fault.InvalidField("phone_number", fault.FieldNotKenyan, "must be Kenyan")
	if want := (fault.Field{Name: "phone_number", Code: "not_kenyan", Message: "must be Kenyan"}); len(got.Fields) != 1 || got.Fields[0] != want {
		t.Errorf("got fields %+v, want only %+v", got.Fields, want)
	}
	if !fault.Is(got, fault.Invalid) || strings.Contains(got.Error(), "Kenyan") {
		t.Errorf("got %q, want an invalid fault whose log text has no field", got.Error())
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	for kind := fault.Internal; kind <= fault.NotConfigured; kind++ {
		if got := fault.KindOf(kind.Code()); got != kind {
			t.Errorf("KindOf(%q) = %v, want %v", kind.Code(), got, kind)
		}
	}
	if got := fault.KindOf("zzz"); got != fault.Internal {
		t.Errorf("KindOf of an unknown code = %v, want %v", got, fault.Internal)
	}
}
