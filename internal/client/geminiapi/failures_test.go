package geminiapi

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"aisha/internal/fault"
)

func TestEveryFailureOfTheAPIIsTheRightFault(t *testing.T) {
	t.Parallel()
	badKey := `{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}`
	page := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>sign in</html>"))
	}
	type want struct {
		outcome    reason
		kind       fault.Kind
		transient  bool
		retryAfter time.Duration
		attempts   int
	}
	const once, thrice = 1, maxAttempts
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   want
	}{
		{"400", replyError(400, "INVALID_ARGUMENT", "bad"), want{rejected, fault.Upstream, false, 0, once}},
		{"400 key", replyError(400, "INVALID_ARGUMENT", "API key not valid.", badKey), want{keyRejected, fault.Upstream, false, 0, once}},
		{"400 retired", replyError(400, "INVALID_ARGUMENT", "This model is no longer available."), want{gone, fault.Upstream, false, 0, once}},
		{"401", replyError(401, "UNAUTHENTICATED", "who"), want{keyRejected, fault.Upstream, false, 0, once}},
		{"403", replyError(403, "PERMISSION_DENIED", "no"), want{keyRejected, fault.Upstream, false, 0, once}},
		{"404", replyError(404, "NOT_FOUND", "models/first is not found"), want{gone, fault.Upstream, false, 0, once}},
		{"429", replyError(429, "RESOURCE_EXHAUSTED", "slow down"), want{overloaded, fault.Upstream, true, 0, thrice}},
		{"429 header", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "300")
			w.WriteHeader(http.StatusTooManyRequests)
		}, want{overloaded, fault.Upstream, true, 300 * time.Second, once}},
		{"429 per minute", replyError(429, "RESOURCE_EXHAUSTED", "slow down", perMinute, retryInfo("0.002s")), want{overloaded, fault.Upstream, true, 2 * time.Millisecond, thrice}},
		{"429 delay beyond the budget", replyError(429, "RESOURCE_EXHAUSTED", "slow down", perMinute, retryInfo("120.5s")), want{overloaded, fault.Upstream, true, 120500 * time.Millisecond, once}},
		{"429 per day", replyError(429, "RESOURCE_EXHAUSTED", "quota", perMinute, perDay, retryInfo("34s")), want{quotaSpent, fault.Upstream, true, quotaPause, once}},
		{"500", replyError(500, "INTERNAL", "oops"), want{broken, fault.Upstream, true, 0, thrice}},
		{"502 page", replyWith(502, "<html>bad gateway</html>"), want{broken, fault.Upstream, true, 0, thrice}},
		{"503", replyError(503, "UNAVAILABLE", "overloaded"), want{overloaded, fault.Upstream, true, 0, thrice}},
		{"503 lone object", replyWith(503, errorObject(503, "UNAVAILABLE", "overloaded", retryInfo("0.001s"))), want{overloaded, fault.Upstream, true, time.Millisecond, thrice}},
		{"504", replyError(504, "DEADLINE_EXCEEDED", "too slow"), want{broken, fault.Upstream, true, 0, thrice}},
		{"error with odd details", replyWith(429, `{"error":{"code":429,"details":[7,{"violations":"x"},`+retryInfo("300s")+`]}}`), want{overloaded, fault.Upstream, true, 300 * time.Second, once}},
		{"error in a word", replyWith(400, `{"error":"bad"}`), want{rejected, fault.Upstream, false, 0, once}},
		{"204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, want{rejected, fault.Upstream, false, 0, once}},

		{"error within a stream", reply200(strings.TrimSuffix(good, "]") + "," + errorObject(503, "UNAVAILABLE", "x") + "]"), want{overloaded, fault.Upstream, true, 0, thrice}},
		{"error without a code within a stream", reply200(`[{"error":{"message":"x"}}]`), want{broken, fault.Upstream, true, 0, thrice}},
		{"quota within a stream", reply200("[" + errorObject(429, "RESOURCE_EXHAUSTED", "x", perDay) + "]"), want{quotaSpent, fault.Upstream, true, quotaPause, once}},

		{"stream not closed", reply200(strings.TrimSuffix(good, "]")), want{truncated, fault.Upstream, true, 0, thrice}},
		{"stream cut in a chunk", reply200(good[:90]), want{truncated, fault.Upstream, true, 0, thrice}},
		{"empty body", reply200(""), want{truncated, fault.Upstream, true, 0, thrice}},
		{"empty stream", reply200("[]"), want{truncated, fault.Upstream, true, 0, thrice}},
		{"null for a chunk", reply200("[null]"), want{truncated, fault.Upstream, true, 0, thrice}},
		{"no candidates", reply200("[{}]"), want{truncated, fault.Upstream, true, 0, thrice}},
		{"no finish reason", reply200(ends("0", `{"text":"so"}`)), want{truncated, fault.Upstream, true, 0, thrice}},
		{"connection cut within", cutWithin, want{truncated, fault.Upstream, true, 0, thrice}},
		{"connection cut before", cutBefore, want{unreachable, fault.UpstreamTimeout, true, 0, thrice}},

		{"page with 200", page, want{unreadable, fault.Upstream, true, 0, once}},
		{"page in disguise", reply200("<html>"), want{unreadable, fault.Upstream, true, 0, once}},
		{"server-sent events", reply200("data: {}\n\n"), want{unreadable, fault.Upstream, true, 0, once}},
		{"malformed JSON", reply200(`[{"candidates":}]`), want{unreadable, fault.Upstream, true, 0, once}},
		{"wrong types", reply200(`[{"candidates":7}]`), want{unreadable, fault.Upstream, true, 0, once}},
		{"null", reply200("null"), want{unreadable, fault.Upstream, true, 0, once}},
		{"two values", reply200(`[][]`), want{unreadable, fault.Upstream, true, 0, once}},
		{"too long", reply200("[" + strings.Repeat(" ", maxBody) + "]"), want{unreadable, fault.Upstream, true, 0, once}},

		{"prompt blocked", reply200(`[{"promptFeedback":{"blockReason":1}}]`), want{refused, fault.Blocked, false, 0, once}},
		{"prompt blocked by name", reply200(`[{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}]`), want{refused, fault.Blocked, false, 0, once}},
		{"prompt blocked by a new name", reply200(`[{"promptFeedback":{"blockReason":"JAILBREAK"}}]`), want{refused, fault.Blocked, false, 0, once}},
		{"SAFETY", reply200(ends("3", `{"text":"so"}`)), want{refused, fault.Blocked, false, 0, once}},
		{"SAFETY by name", reply200(ends(`"SAFETY"`, "")), want{refused, fault.Blocked, false, 0, once}},
		{"RECITATION", reply200(ends("4", `{"text":"so"}`)), want{refused, fault.Blocked, false, 0, once}},
		{"RECITATION by name", reply200(ends(`"RECITATION"`, `{"text":"so"}`)), want{refused, fault.Blocked, false, 0, once}},
		{"LANGUAGE", reply200(ends("6", "")), want{refused, fault.Blocked, false, 0, once}},
		{"BLOCKLIST", reply200(ends("7", "")), want{refused, fault.Blocked, false, 0, once}},
		{"BLOCKLIST by name", reply200(ends(`"BLOCKLIST"`, "")), want{refused, fault.Blocked, false, 0, once}},
		{"PROHIBITED_CONTENT", reply200(ends("8", "")), want{refused, fault.Blocked, false, 0, once}},
		{"PROHIBITED_CONTENT without content", reply200(`[{"candidates":[{"finishReason":8}]}]`), want{refused, fault.Blocked, false, 0, once}},
		{"PROHIBITED_CONTENT by name", reply200(ends(`"PROHIBITED_CONTENT"`, "")), want{refused, fault.Blocked, false, 0, once}},
		{"SPII", reply200(ends("9", "")), want{refused, fault.Blocked, false, 0, once}},
		{"SPII by name", reply200(ends(`"SPII"`, "")), want{refused, fault.Blocked, false, 0, once}},

		{"MALFORMED_FUNCTION_CALL", reply200(ends("10", `{"text":"I shall look"}`)), want{empty, fault.Upstream, true, 0, thrice}},
		{"MALFORMED_FUNCTION_CALL by name", reply200(ends(`"MALFORMED_FUNCTION_CALL"`, "")), want{empty, fault.Upstream, true, 0, thrice}},
		{"MAX_TOKENS without parts", reply200(ends("2", "")), want{exhausted, fault.Upstream, false, 0, once}},
		{"STOP without parts", reply200(ends("1", "")), want{empty, fault.Upstream, true, 0, thrice}},
		{"STOP with blanks", reply200(ends("1", `{"text":" \n"}`)), want{empty, fault.Upstream, true, 0, thrice}},
		{"a new finish reason without parts", reply200(ends(`"WHIM"`, "")), want{empty, fault.Upstream, true, 0, thrice}},
		{"only a thought", reply200(ends("1", `{"text":"hm","thought":true}`)), want{empty, fault.Upstream, true, 0, thrice}},
		{"only a signature", reply200(ends("1", `{"thoughtSignature":"abc"}`)), want{empty, fault.Upstream, true, 0, thrice}},
		{"only a file", reply200(ends("1", `{"fileData":{"fileUri":"x"}}`)), want{empty, fault.Upstream, true, 0, thrice}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			api := newFakeAPI(t, test.answer)
			s := newSubject(t, api.URL, nil)

			_, err := s.Generate(t.Context(), question())

			e := fault.Of(err)
			if e == nil {
				t.Fatal("it succeeded")
			}
			got := want{failureOf(err).reason, e.Kind, e.Transient, e.RetryAfter, len(api.requests())}
			if got != test.want {
				t.Errorf("got  %+v (%v)\nwant %+v", got, err, test.want)
			}
			if e.Message != test.want.outcome.verdict().message {
				t.Errorf("the caller is told %q", e.Message)
			}
			discreet(t, s, err)
		})
	}
}

// discreet fails where an error or the log shows the key, a URL's query, the
// prompt or the answer.
func discreet(t *testing.T, s *subject, err error) {
	t.Helper()
	shown := s.log.String()
	for ; err != nil; err = errors.Unwrap(err) {
		shown += "\n" + err.Error()
	}
	for _, private := range []string{testKey, "alt=", "enum-encoding", testPrompt, testWords} {
		if strings.Contains(shown, private) {
			t.Errorf("%q is shown in:\n%s", private, shown)
		}
	}
}

func TestAKeyThatTheAPIQuotesIsHidden(t *testing.T) {
	t.Parallel()
	suspended := "Permission denied: Consumer 'api_key:" + testKey + "' has been suspended."
	for _, answer := range []http.HandlerFunc{
		replyError(403, "PERMISSION_DENIED", suspended),
		reply200("[" + errorObject(403, "PERMISSION_DENIED", suspended) + "]"),
	} {
		s := newSubject(t, newFakeAPI(t, answer).URL, nil)
		_, err := s.Generate(t.Context(), question())
		if !strings.Contains(err.Error(), "'api_key:[key]' has been suspended") {
			t.Errorf("the API's message is missing: %v", err)
		}
		discreet(t, s, err)
	}
}

func TestARejectedKeyIsAnErrorInTheLog(t *testing.T) {
	t.Parallel()
	s := newSubject(t, newFakeAPI(t, replyError(401, "UNAUTHENTICATED", "no")).URL, nil)
	_, err := s.Generate(t.Context(), question())
	if err == nil || !strings.Contains(s.log.String(), "level=ERROR") || !strings.Contains(s.log.String(), "key_rejected") {
		t.Errorf("error %v, log:\n%s", err, s.log)
	}
}

func TestAHostThatRefusesConnectionsIsUnreachable(t *testing.T) {
	t.Parallel()
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	s := newSubject(t, nobody.URL, withFallback)

	_, err := s.Generate(t.Context(), question())

	if e := fault.Of(err); e.Kind != fault.UpstreamTimeout || !e.Transient || e.Message != "the model could not be reached" {
		t.Errorf("got %+v", e)
	}
	if want := slices.Repeat([]string{"first unreachable"}, maxAttempts); !slices.Equal(s.attempts, want) {
		t.Errorf("attempts %q", s.attempts)
	}
	discreet(t, s, err)
}

func TestATimedOutAttemptIsNotRepeated(t *testing.T) {
	t.Parallel()
	begun := func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(good[:90]))
		_ = http.NewResponseController(w).Flush()
		silent(w, r)
	}
	for name, answer := range map[string]http.HandlerFunc{"before an answer": silent, "within an answer": begun} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newFakeAPI(t, answer)
			s := newSubject(t, api.URL, func(o *Options) { o.Timeout, o.Fallback = 50*time.Millisecond, "second" })

			_, err := s.Generate(t.Context(), question())

			if e := fault.Of(err); e.Kind != fault.UpstreamTimeout || !e.Transient || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %+v", e)
			}
			if want := []string{"first timed_out"}; !slices.Equal(s.attempts, want) {
				t.Errorf("attempts %q", s.attempts)
			}
			discreet(t, s, err)
		})
	}
}

func TestACallersDeadlineIsATimeout(t *testing.T) {
	t.Parallel()
	s := newSubject(t, newFakeAPI(t, silent).URL, withFallback)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Generate(ctx, question()); !fault.Is(err, fault.UpstreamTimeout) {
		t.Errorf("got %v", err)
	}
}

func TestACallerWhoHangsUpGetsCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	hangUp := func(w http.ResponseWriter, r *http.Request) { cancel(); silent(w, r) }
	s := newSubject(t, newFakeAPI(t, hangUp).URL, withFallback)

	_, err := s.Generate(ctx, question())

	var classified *fault.Error
	if !errors.Is(err, context.Canceled) || errors.As(err, &classified) {
		t.Errorf("got %v", err)
	}
	if want := []string{"first hung_up"}; !slices.Equal(s.attempts, want) {
		t.Errorf("attempts %q", s.attempts)
	}
	discreet(t, s, err)
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := newFakeAPI(t, reply200(good))
	s := newSubject(t, newFakeAPI(t, http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect).ServeHTTP).URL, nil)
	if _, err := s.Generate(t.Context(), question()); failureOf(err) == nil || failureOf(err).reason != rejected {
		t.Errorf("got %v", err)
	}
	if n := len(elsewhere.requests()); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

func TestOfTheSDKsOwnErrorsOnlyTheTypeIsKept(t *testing.T) {
	t.Parallel()
	where := "https://example.com/?key=" + testKey
	for _, test := range []struct {
		err  error
		want reason
	}{
		{&url.Error{Op: "Post", URL: where, Err: errors.New("proto: unexpected token " + testWords)}, unreadable},
		{&url.Error{Op: "Post", URL: where, Err: context.DeadlineExceeded}, timedOut},
		{&url.Error{Op: "Post", URL: where, Err: context.Canceled}, hungUp},
		{&url.Error{Op: "Post", URL: where, Err: &failure{reason: overloaded}}, overloaded},
	} {
		f := failureOf(test.err)
		if f.reason != test.want {
			t.Errorf("got %s, want %s", f.reason, test.want)
		}
		discreet(t, &subject{log: &bytes.Buffer{}}, f)
	}
}

func TestALongMessageOfTheAPIIsCut(t *testing.T) {
	t.Parallel()
	e := &statusError{Code: 400, Message: strings.Repeat("ab\n", 400)}
	if got := e.text(); len(got) > 400 || strings.Contains(got, "\n") || !strings.HasSuffix(got, "…") {
		t.Errorf("got %q", got)
	}
}
