package guard_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/handler/guard"
	"aisha/internal/handler/wire"
	"aisha/internal/operator"
)

// actionsFunc implements guard.Actions.
type actionsFunc func(context.Context, operator.Attempt, func(context.Context) operator.Answer) (operator.Answer, error)

func (f actionsFunc) Run(ctx context.Context, attempt operator.Attempt, act func(context.Context) operator.Answer) (operator.Answer, error) {
	return f(ctx, attempt, act)
}

type txKey struct{}

// runAction calls act with a context that has a value, and returns its answer.
func runAction(ctx context.Context, _ operator.Attempt, act func(context.Context) operator.Answer) (operator.Answer, error) {
	return act(context.WithValue(ctx, txKey{}, "tx")), nil
}

// newChange returns a request of the operator "admin" that changes something.
func newChange(method, body string, keys ...string) *http.Request {
	r := httptest.NewRequest(method, "/operator/x?a=1&b=%2F", strings.NewReader(body))
	r.Header["Idempotency-Key"] = keys
	return r.WithContext(operator.WithAction(r.Context(), operator.Action{Caller: operator.Caller{Name: "admin", All: true}}))
}

func TestChange(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete} {
		var attempt operator.Attempt
		actions := actionsFunc(func(ctx context.Context, a operator.Attempt, act func(context.Context) operator.Answer) (operator.Answer, error) {
			attempt = a
			return runAction(ctx, a, act)
		})
		h := guard.Change(actions)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Context().Value(txKey{}) != "tx" {
				t.Errorf("%s: the handler got another context, want that of the transaction", method)
			}
			w.Header().Set("ETag", `"1"`)
			w.WriteHeader(http.StatusAccepted)
			w.WriteHeader(http.StatusOK) // superfluous
			_, _ = w.Write([]byte("a"))
			_, _ = w.Write([]byte("b"))
		}))
		got := send(h, newChange(method, "{}", "key 1"))
		if got.Code != http.StatusAccepted || got.Body.String() != "ab" || got.Header().Get("ETag") != `"1"` || got.Header().Get("Idempotency-Replayed") != "" {
			t.Errorf("%s: got %d %q %v, want 202 ab with the ETag", method, got.Code, got.Body, got.Header())
		}
		if attempt.Caller != "admin" || attempt.Key != "key 1" || attempt.Path != method+" /operator/x?a=1&b=%2F" {
			t.Errorf("%s: got the attempt %+v, want that of the request", method, attempt)
		}
	}
}

func TestChange_keys(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		keys   []string
		status int
	}{
		"none":                {nil, http.StatusOK},
		"one_character":       {[]string{"k"}, http.StatusOK},
		"255_characters":      {[]string{strings.Repeat("é", 255)}, http.StatusOK},
		"256_characters":      {[]string{strings.Repeat("k", 256)}, http.StatusUnprocessableEntity},
		"no_characters":       {[]string{""}, http.StatusUnprocessableEntity},
		"two_keys":            {[]string{"a", "b"}, http.StatusUnprocessableEntity},
		"not_unicode":         {[]string{"\xff"}, http.StatusUnprocessableEntity},
		"two_keys_of_one_key": {[]string{"a", "a"}, http.StatusUnprocessableEntity},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := send(guard.Change(actionsFunc(runAction))(http.HandlerFunc(ok)), newChange(http.MethodPost, "", tt.keys...))
			if got.Code != tt.status {
				t.Errorf("got %d %s, want %d", got.Code, got.Body, tt.status)
			}
			if refused := tt.status != http.StatusOK; refused != strings.Contains(got.Body.String(), `"field":"Idempotency-Key"`) {
				t.Errorf("got %s, want the field Idempotency-Key: %t", got.Body, refused)
			}
		})
	}
}

// The hash is that of the body, however much of it the handler has read.
func TestChange_hashBody(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	for name, tt := range map[string]struct {
		body, hashed string
		read         int64
	}{
		"empty":                  {"", "", 0},
		"read":                   {"hello", "hello", 5},
		"read_in_part":           {"hello", "hello", 2},
		"not_read":               {"hello", "hello", 0},
		"at_the_limit":           {large, large, 100},
		"over_the_limit":         {large + "x", large, 1 << 19},
		"over_the_limit_is_read": {large + "xyz", large, 1<<20 + 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			actions := actionsFunc(func(ctx context.Context, attempt operator.Attempt, act func(context.Context) operator.Answer) (operator.Answer, error) {
				answer := act(ctx)
				for range 2 { // the second call reads nothing more
					got, err := attempt.HashBody()
					if want := sha256.Sum256([]byte(tt.hashed)); err != nil || string(got) != string(want[:]) {
						t.Errorf("HashBody: got %x, %v; want %x", got, err, want)
					}
				}
				return answer, nil
			})
			h := guard.Change(actions)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				data, err := io.ReadAll(io.LimitReader(r.Body, tt.read))
				if err != nil || string(data) != tt.body[:tt.read] {
					t.Errorf("the handler read %d bytes, %v; want %d", len(data), err, tt.read)
				}
				w.WriteHeader(http.StatusOK)
			}))
			if got := send(h, newChange(http.MethodPost, tt.body, "k")); got.Code != http.StatusOK {
				t.Errorf("got %d, want 200", got.Code)
			}
		})
	}
}

type failingBody struct{ err error }

func (b failingBody) Read([]byte) (int, error) { return 0, b.err }

func TestChange_hashBody_failures(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"connection_lost": {io.ErrUnexpectedEOF, http.StatusBadRequest, "malformed"},
		"over_the_budget": {fault.Wrap(wire.ErrBodyBudget, fault.Unavailable, "m"), http.StatusServiceUnavailable, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			actions := actionsFunc(func(ctx context.Context, attempt operator.Attempt, act func(context.Context) operator.Answer) (operator.Answer, error) {
				answer := act(ctx)
				_, err := attempt.HashBody()
				return answer, err
			})
			r := newChange(http.MethodPost, "", "k")
			r.Body = io.NopCloser(failingBody{tt.err})
			got := send(guard.Change(actions)(http.HandlerFunc(ok)), r)
			wantFailure(t, got, tt.status, tt.code)
			if got.Header().Get("Connection") != "close" {
				t.Errorf("Connection is %q, want close", got.Header().Get("Connection"))
			}
		})
	}
}

func TestChange_replay(t *testing.T) {
	t.Parallel()
	stored := operator.Answer{
		Status:   http.StatusConflict,
		Header:   map[string][]string{"Content-Type": {"application/json"}, "Vary": {"A", "B"}, "Connection": {"close"}},
		Body:     []byte("{}"),
		Replayed: true,
	}
	actions := actionsFunc(func(context.Context, operator.Attempt, func(context.Context) operator.Answer) (operator.Answer, error) {
		return stored, nil
	})
	h := guard.RequestID(guard.Change(actions)(http.HandlerFunc(ok)))
	got := send(h, newChange(http.MethodPost, "", "k"))
	if got.Code != http.StatusConflict || got.Body.String() != "{}" {
		t.Errorf("got %d %s, want the stored answer", got.Code, got.Body)
	}
	want := http.Header{
		"Content-Type": {"application/json"}, "Vary": {"A", "B"}, "Idempotency-Replayed": {"true"},
		"X-Request-Id": {got.Header().Get("X-Request-Id")},
	}
	if diff := cmp.Diff(want, got.Header()); diff != "" || got.Header().Get("X-Request-Id") == "" {
		t.Errorf("headers, with a request id of its own (-want +got):\n%s", diff)
	}
}

// What the handler has answered is not sent if the transaction fails.
func TestChange_failures(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"in_progress": {fault.New(fault.Conflict, "m"), http.StatusConflict, "conflict"},
		"commit":      {fault.New(fault.Unavailable, "m"), http.StatusServiceUnavailable, "unavailable"},
		"bug":         {errors.New("a bug"), http.StatusInternalServerError, "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			actions := actionsFunc(func(ctx context.Context, _ operator.Attempt, act func(context.Context) operator.Answer) (operator.Answer, error) {
				return act(ctx), tt.err
			})
			h := guard.Change(actions)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("ETag", `"1"`)
				_, _ = w.Write([]byte("done"))
			}))
			got := send(h, newChange(http.MethodPost, "", "k"))
			wantFailure(t, got, tt.status, tt.code)
			if got.Header().Get("ETag") != "" {
				t.Errorf("got the ETag of the handler, want none")
			}
		})
	}
}

func TestChange_panic(t *testing.T) {
	t.Parallel()
	returned := false
	actions := actionsFunc(func(ctx context.Context, attempt operator.Attempt, act func(context.Context) operator.Answer) (operator.Answer, error) {
		answer, err := runAction(ctx, attempt, act)
		returned = true
		return answer, err
	})
	h, _ := observed(guard.Change(actions)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("done"))
		panic("a bug")
	})).ServeHTTP)
	wantFailure(t, send(h, newRequest()), http.StatusInternalServerError, "internal")
	if returned {
		t.Error("the action returned after a panic, want the panic to reach Actions")
	}
}
