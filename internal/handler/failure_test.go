package handler_test

import (
	"context"
	"encoding/json"
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

func TestEachKindOfFaultHasItsStatusAndShowsNoCause(t *testing.T) {
	t.Parallel()
	const secret = "password=hunter2"
	for kind, want := range map[fault.Kind]int{
		fault.Internal:             500,
		fault.Malformed:            400,
		fault.Unauthenticated:      401,
		fault.Forbidden:            403,
		fault.NotFound:             404,
		fault.MethodNotAllowed:     405,
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
			out, toLog := logged(slog.LevelDebug)
			got := callAny(t, newAPI(toLog, func(o *handler.Options) { o.Gemini = askFailing(err) }), post("/gemini", `{"prompt":"x"}`))
			wantFailure(t, got, want, kind.Code())
			if strings.Contains(got.body, "hunter2") || !strings.Contains(got.body, `"error":"a public sentence"`) {
				t.Errorf("the answer is %s", got.body)
			}
			lines := out.lines(t)
			if len(lines) != 1 || !strings.Contains(fmt.Sprint(lines[0]["error"]), secret) {
				t.Errorf("the cause is not logged once: %v", lines)
			}
			wait := got.header.Get("Retry-After")
			if needed := kind == fault.Unavailable || kind == fault.RateLimited; needed != (wait == "5") {
				t.Errorf("Retry-After is %q", wait)
			}
		})
	}
}

// callAny is for failures that the route's service does not have.
func callAny(t *testing.T, api http.Handler, r *http.Request) answer {
	t.Helper()
	described := map[int]bool{400: true, 401: true, 413: true, 415: true, 422: true, 429: true, 500: true, 503: true, 504: true}
	got := record(api, r)
	if described[got.status] {
		checkAnswer(t, r, got, false)
		return got
	}
	doc, _ := description(t)
	checkFailure(t, doc, got)
	return got
}

func TestRetryAfterIsWhatTheFaultSays(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{30 * time.Second: "30", 1500 * time.Millisecond: "2", time.Millisecond: "1", 0: "5"} {
		err := fault.New(fault.Unavailable, "later")
		err.RetryAfter = wait
		got := call(t, newAPI(func(o *handler.Options) { o.Waitlist = joinFailing(err) }), post("/waiting-list/", signUp))
		if got.header.Get("Retry-After") != want {
			t.Errorf("%v: Retry-After is %q, want %q", wait, got.header.Get("Retry-After"), want)
		}
	}
}

func TestErrorsThatNobodyClassified(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err    error
		status int
		code   string
	}{
		{errors.New("pq: relation \"people\" does not exist"), 500, "internal"},
		{fmt.Errorf("select: %w", context.DeadlineExceeded), 503, "unavailable"},
		{resource.ErrLoading, 500, "internal"}, // this route's answer has no such state
	} {
		got := call(t, newAPI(func(o *handler.Options) { o.Waitlist = joinFailing(tt.err) }), post("/waiting-list/", signUp))
		wantFailure(t, got, tt.status, tt.code)
		if strings.Contains(got.body, tt.err.Error()) {
			t.Errorf("the cause is shown: %s", got.body)
		}
	}
}

func TestNotReadyIsUnavailable(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) {
		o.Ready = func(context.Context) error { return fault.New(fault.Unavailable, "the service is stopping") }
	})
	wantFailure(t, call(t, api, get("/readyz")), http.StatusServiceUnavailable, "unavailable")
	if got := call(t, api, get("/healthz")); got.status != http.StatusOK {
		t.Errorf("a process that is not ready must stay alive, got %d", got.status)
	}
}

func TestPanicIsInternalAndLoggedWithItsStack(t *testing.T) {
	t.Parallel()
	out, toLog := logged(slog.LevelInfo)
	api := newAPI(toLog, func(o *handler.Options) {
		o.Waitlist = joinFunc(func(context.Context, waitlist.SignUp) (waitlist.Entry, error) { panic("index out of luck") })
		o.WhatsApp = webhook{receive: func(context.Context, string, []byte) (whatsapp.Receipt, error) {
			var nothing *whatsapp.Receipt
			return *nothing, nil
		}}
	})
	wantFailure(t, call(t, api, post("/waiting-list/", signUp)), http.StatusInternalServerError, "internal")
	wantFailure(t, call(t, api, signed(post("/webhook/whatsapp", "{}"))), http.StatusInternalServerError, "internal")
	lines := out.lines(t)
	if len(lines) != 2 || !strings.Contains(fmt.Sprint(lines[0]["error"]), "index out of luck") ||
		!strings.Contains(fmt.Sprint(lines[1]["error"]), "failure_test.go") || lines[0]["level"] != "ERROR" {
		t.Errorf("logged %v", lines)
	}
}

func TestPanicThatAbortsGoesOn(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) {
		o.Metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	})
	if problem := panicOf(func() { record(api, get("/metrics")) }); !aborts(problem) {
		t.Errorf("the panic became %v", problem)
	}
}

func TestPanicInTheMiddleOfAnAnswerCutsItOff(t *testing.T) {
	t.Parallel()
	out, toLog := logged(slog.LevelInfo)
	api := newAPI(toLog, func(o *handler.Options) {
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("half of"))
			panic("the metrics broke")
		})
	})
	if problem := panicOf(func() { record(api, get("/metrics")) }); !aborts(problem) {
		t.Errorf("the panic became %v, and the half answer looks whole", problem)
	}
	if lines := out.lines(t); len(lines) != 1 || lines[0]["status"] != 500.0 {
		t.Errorf("logged %v", lines)
	}
}

func aborts(problem any) bool {
	err, ok := problem.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

func panicOf(f func()) (problem any) {
	defer func() { problem = recover() }()
	f()
	return nil
}

// fieldsOf are the names in a failure's details.
func fieldsOf(t *testing.T, got answer) []string {
	t.Helper()
	var body struct{ Details []struct{ Field string } }
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, detail := range body.Details {
		names = append(names, detail.Field)
	}
	return names
}
