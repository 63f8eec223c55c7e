package guard_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestRecover(t *testing.T) {
	t.Parallel()
	t.Run("before_the_response", func(t *testing.T) {
		t.Parallel()
		h, out := observed(func(http.ResponseWriter, *http.Request) { panic("out of luck") })
		wantFailure(t, send(h, newRequest()), http.StatusInternalServerError, "internal")
		lines := logLines(t, out)
		if len(lines) != 1 || !strings.Contains(fmt.Sprint(lines[0]["error"]), "panic: out of luck") {
			t.Errorf("logged %v, want one line with the panic's value", lines)
		}
	})
	t.Run("in_the_middle_of_the_response", func(t *testing.T) {
		t.Parallel()
		h, out := observed(func(w http.ResponseWriter, r *http.Request) {
			ok(w, r)
			panic("out of luck")
		})
		if value := panicOf(func() { send(h, newRequest()) }); !isAbort(value) {
			t.Errorf("the panic's value is %v, want http.ErrAbortHandler", value)
		}
		if lines := logLines(t, out); len(lines) != 1 || lines[0]["status"] != 500.0 {
			t.Errorf("logged %v, want one line with status 500", lines)
		}
	})
	t.Run("abort_handler", func(t *testing.T) {
		t.Parallel()
		h, _ := observed(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		if value := panicOf(func() { send(h, newRequest()) }); !isAbort(value) {
			t.Errorf("the panic's value is %v, want http.ErrAbortHandler", value)
		}
	})
}

func isAbort(value any) bool {
	err, ok := value.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// panicOf returns the value with which f panics, or nil.
func panicOf(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}
