package handler_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/resource"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/whatsapp"
)

// The tests of this file check the failure responses of package wire through
// the API's routes.

func TestFailures_StatusOfEachKind(t *testing.T) {
	t.Parallel()
	const secret = "password=hunter2"
	for kind, want := range map[fault.Kind]int{
		fault.Internal:             500,
		fault.Malformed:            400,
		fault.Unauthenticated:      401,
		fault.Forbidden:            403,
		fault.NotFound:             404,
		fault.MethodNotAllowed:     405,
		fault.Conflict:             409,
		fault.TooLarge:             413,
		fault.UnsupportedMediaType: 415,
		fault.Invalid:              422,
		fault.Blocked:              422,
		fault.RateLimited:          429,
		fault.Upstream:             500,
		fault.UpstreamTimeout:      504,
		fault.Unavailable:          503,
		fault.NotConfigured:        503,
	} {
		t.Run(kind.Code(), func(t *testing.T) {
			t.Parallel()
			err := fmt.Errorf("asking: %w", fault.Wrap(errors.New(secret), kind, "a public sentence"))
			out, withLog := logTo(slog.LevelDebug)
			api := newAPI(withLog, func(o *handler.Options) { o.Gemini = askFailing(err) })
			got := callWithAnyFailure(t, api, post("/gemini", `{"prompt":"x"}`))
			wantFailure(t, got, want, kind.Code())
			if strings.Contains(got.body, "hunter2") || !strings.Contains(got.body, `"error":"a public sentence"`) {
				t.Errorf("the body is %s, want the message and not the cause", got.body)
			}
			lines := out.lines(t)
			if len(lines) != 1 || !strings.Contains(fmt.Sprint(lines[0]["error"]), secret) {
				t.Errorf("logged %v, want one line with the cause", lines)
			}
			retryAfter := got.header.Get("Retry-After")
			if needed := kind == fault.Unavailable || kind == fault.RateLimited; needed != (retryAfter == "5") {
				t.Errorf("Retry-After is %q, want 5 for unavailable and rate_limited only", retryAfter)
			}
		})
	}
}

// callWithAnyFailure is call for failures that the description does not list
// for POST /gemini. It checks these against the general form of failures.
func callWithAnyFailure(t *testing.T, api http.Handler, r *http.Request) response {
	t.Helper()
	listed := map[int]bool{400: true, 401: true, 413: true, 415: true, 422: true, 429: true, 500: true, 503: true, 504: true}
	got := callUnchecked(api, r)
	if listed[got.status] {
		checkResponse(t, r, got, responseOnly)
		return got
	}
	doc, _ := description(t)
	checkFailure(t, doc, got)
	return got
}

func TestFailures_RetryAfter(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{30 * time.Second: "30", 1500 * time.Millisecond: "2", time.Millisecond: "1", 0: "5"} {
		err := fault.New(fault.Unavailable, "later")
		err.RetryAfter = wait
		got := call(t, newAPI(func(o *handler.Options) { o.Waitlist = joinFailing(err) }), post("/waiting-list/", signUp))
		if got.header.Get("Retry-After") != want {
			t.Errorf("RetryAfter %v: Retry-After is %q, want %q", wait, got.header.Get("Retry-After"), want)
		}
	}
}

func TestFailures_UnclassifiedErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"any_error":                             {errors.New("pq: relation \"people\" does not exist"), 500, "internal"},
		"deadline_exceeded":                     {fmt.Errorf("select: %w", context.DeadlineExceeded), 503, "unavailable"},
		"loading_on_a_route_without_this_state": {resource.ErrLoading, 500, "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t, newAPI(func(o *handler.Options) { o.Waitlist = joinFailing(tt.err) }), post("/waiting-list/", signUp))
			wantFailure(t, got, tt.status, tt.code)
			if strings.Contains(got.body, tt.err.Error()) {
				t.Errorf("the body is %s, want it without the cause", got.body)
			}
		})
	}
}

func TestFailures_Panic(t *testing.T) {
	t.Parallel()
	out, withLog := logTo(slog.LevelInfo)
	api := newAPI(withLog, func(o *handler.Options) {
		o.Waitlist = joinFunc(func(context.Context, waitlist.SignUp) (waitlist.Added, error) { panic("index out of luck") })
		o.WhatsApp = fakeWhatsApp{receive: func(context.Context, string, []byte) (whatsapp.Receipt, error) {
			var nothing *whatsapp.Receipt
			return *nothing, nil
		}}
	})
	wantFailure(t, call(t, api, post("/waiting-list/", signUp)), http.StatusInternalServerError, "internal")
	wantFailure(t, call(t, api, signed(post("/webhook/whatsapp", "{}"))), http.StatusInternalServerError, "internal")
	lines := out.lines(t)
	if len(lines) != 2 || !strings.Contains(fmt.Sprint(lines[0]["error"]), "index out of luck") ||
		!strings.Contains(fmt.Sprint(lines[1]["error"]), "failures_test.go") || lines[0]["level"] != "ERROR" {
		t.Errorf("logged %v, want two errors: the panic's value and the stack", lines)
	}
}
