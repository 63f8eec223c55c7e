package geminiapi

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"aisha/internal/fault"
)

func TestClient_Generate_failures(t *testing.T) {
	t.Parallel()
	badKey := `{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}`
	htmlPage := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>sign in</html>"))
	}
	type want struct {
		outcome    outcome
		kind       fault.Kind
		transient  bool
		retryAfter time.Duration
		attempts   int
	}
	const once, thrice = 1, maxAttempts
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    want
	}{
		{"400", respondError(400, "INVALID_ARGUMENT", "bad"), want{requestRejected, fault.Upstream, false, 0, once}},
		{"400_invalid_key", respondError(400, "INVALID_ARGUMENT", "API key not valid.", badKey), want{keyRejected, fault.Upstream, false, 0, once}},
		{"400_retired_model", respondError(400, "INVALID_ARGUMENT", "This model is no longer available."), want{modelNotFound, fault.Upstream, false, 0, once}},
		{"400_unsupported_location", respondError(400, "FAILED_PRECONDITION", "User location is not supported for the API use."), want{locationUnsupported, fault.Upstream, false, 0, once}},
		{"400_unsupported_location_without_array", respond(400, errorObject(400, "FAILED_PRECONDITION", "Please enable billing.")), want{locationUnsupported, fault.Upstream, false, 0, once}},
		{"400_unreadable_file", respondError(400, "INVALID_ARGUMENT", "The document has no pages."), want{requestRejected, fault.Upstream, false, 0, once}},
		{"413", respond(413, "<html>too large</html>"), want{requestRejected, fault.Upstream, false, 0, once}},
		{"408", respond(408, ""), want{serverError, fault.Upstream, true, 0, thrice}},
		{"401", respondError(401, "UNAUTHENTICATED", "who"), want{keyRejected, fault.Upstream, false, 0, once}},
		{"403", respondError(403, "PERMISSION_DENIED", "no"), want{keyRejected, fault.Upstream, false, 0, once}},
		{"404", respondError(404, "NOT_FOUND", "models/first is not found"), want{modelNotFound, fault.Upstream, false, 0, once}},
		{"429", respondError(429, "RESOURCE_EXHAUSTED", "slow down"), want{overloaded, fault.Upstream, true, 0, thrice}},
		{"429_retry_after_header", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "300")
			w.WriteHeader(http.StatusTooManyRequests)
		}, want{overloaded, fault.Upstream, true, 300 * time.Second, once}},
		{"429_retry_after_header_over_the_limit", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "999999")
			w.WriteHeader(http.StatusTooManyRequests)
		}, want{overloaded, fault.Upstream, true, time.Hour, once}},
		{"429_retry_after_header_is_a_date", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT")
			w.WriteHeader(http.StatusTooManyRequests)
		}, want{overloaded, fault.Upstream, true, time.Hour, once}},
		{"429_delay_over_the_limit", respondError(429, "RESOURCE_EXHAUSTED", "slow down", perMinute, retryInfo("86400s")), want{overloaded, fault.Upstream, true, time.Hour, once}},
		{"429_per_minute", respondError(429, "RESOURCE_EXHAUSTED", "slow down", perMinute, retryInfo("0.002s")), want{overloaded, fault.Upstream, true, 2 * time.Millisecond, thrice}},
		{"429_delay_over_the_budget", respondError(429, "RESOURCE_EXHAUSTED", "slow down", perMinute, retryInfo("120.5s")), want{overloaded, fault.Upstream, true, 120500 * time.Millisecond, once}},
		{"429_per_day", respondError(429, "RESOURCE_EXHAUSTED", "quota", perMinute, perDay, retryInfo("34s")), want{dailyQuotaExceeded, fault.Upstream, true, dailyQuotaDelay, once}},
		{"500", respondError(500, "INTERNAL", "oops"), want{serverError, fault.Upstream, true, 0, thrice}},
		{"502_html_page", respond(502, "<html>bad gateway</html>"), want{serverError, fault.Upstream, true, 0, thrice}},
		{"503", respondError(503, "UNAVAILABLE", "overloaded"), want{overloaded, fault.Upstream, true, 0, thrice}},
		{"503_without_array", respond(503, errorObject(503, "UNAVAILABLE", "overloaded", retryInfo("0.001s"))), want{overloaded, fault.Upstream, true, time.Millisecond, thrice}},
		{"504", respondError(504, "DEADLINE_EXCEEDED", "too slow"), want{serverError, fault.Upstream, true, 0, thrice}},
		{"429_details_of_other_types", respond(429, `{"error":{"code":429,"details":[7,{"violations":"x"},`+retryInfo("300s")+`]}}`), want{overloaded, fault.Upstream, true, 300 * time.Second, once}},
		{"error_is_a_string", respond(400, `{"error":"bad"}`), want{requestRejected, fault.Upstream, false, 0, once}},
		{"error_is_an_array", respond(503, `{"error":[]}`), want{overloaded, fault.Upstream, true, 0, thrice}},
		{"error_with_odd_members", respond(429, `{"error":{"code":null,"message":7,"status":{},"details":{"violations":{"quotaId":"PerDay"}}}}`), want{dailyQuotaExceeded, fault.Upstream, true, dailyQuotaDelay, once}},
		{"204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, want{requestRejected, fault.Upstream, false, 0, once}},

		{"error_within_a_stream", respondOK(strings.TrimSuffix(goodStream, "]") + "," + errorObject(503, "UNAVAILABLE", "x") + "]"), want{overloaded, fault.Upstream, true, 0, thrice}},
		{"error_without_a_code_within_a_stream", respondOK(`[{"error":{"message":"x"}}]`), want{serverError, fault.Upstream, true, 0, thrice}},
		{"error_code_as_a_string_within_a_stream", respondOK(`[{"error":{"code":"503"}}]`), want{overloaded, fault.Upstream, true, 0, thrice}},
		{"error_is_a_string_within_a_stream", respondOK(`[{"error":"x"}]`), want{serverError, fault.Upstream, true, 0, thrice}},
		{"error_code_of_success_within_a_stream", respondOK(`[{"error":{"code":200,"message":"x"}}]`), want{serverError, fault.Upstream, true, 0, thrice}},
		{"quota_within_a_stream", respondOK("[" + errorObject(429, "RESOURCE_EXHAUSTED", "x", perDay) + "]"), want{dailyQuotaExceeded, fault.Upstream, true, dailyQuotaDelay, once}},

		{"stream_not_closed", respondOK(strings.TrimSuffix(goodStream, "]")), want{truncated, fault.Upstream, false, 0, thrice}},
		{"stream_cut_in_a_chunk", respondOK(goodStream[:90]), want{truncated, fault.Upstream, false, 0, thrice}},
		{"empty_body", respondOK(""), want{truncated, fault.Upstream, false, 0, thrice}},
		{"empty_stream", respondOK("[]"), want{truncated, fault.Upstream, false, 0, thrice}},
		{"null_chunk", respondOK("[null]"), want{truncated, fault.Upstream, false, 0, thrice}},
		{"no_candidates", respondOK("[{}]"), want{truncated, fault.Upstream, false, 0, thrice}},
		{"no_finish_reason", respondOK(stream("0", `{"text":"so"}`)), want{truncated, fault.Upstream, false, 0, thrice}},
		{"connection_cut_within_response", cutWithinResponse, want{truncated, fault.Upstream, false, 0, thrice}},
		{"connection_cut_before_response", cutBeforeResponse, want{unreachable, fault.UpstreamTimeout, true, 0, thrice}},

		{"200_html_page", htmlPage, want{malformed, fault.Upstream, false, 0, once}},
		{"200_html_as_json", respondOK("<html>"), want{malformed, fault.Upstream, false, 0, once}},
		{"server_sent_events", respondOK("data: {}\n\n"), want{malformed, fault.Upstream, false, 0, once}},
		{"malformed_json", respondOK(`[{"candidates":}]`), want{malformed, fault.Upstream, false, 0, once}},
		{"wrong_types", respondOK(`[{"candidates":7}]`), want{malformed, fault.Upstream, false, 0, once}},
		{"null", respondOK("null"), want{malformed, fault.Upstream, false, 0, once}},
		{"scalars", respondOK("[7]"), want{malformed, fault.Upstream, false, 0, once}},
		{"another_api", respondOK(`{"id":"x","choices":[{"message":{"content":"yes"}}]}`), want{malformed, fault.Upstream, false, 0, once}},
		{"two_values", respondOK(`[][]`), want{malformed, fault.Upstream, false, 0, once}},
		{"body_over_the_limit", respondOK("[" + strings.Repeat(" ", maxBody) + "]"), want{malformed, fault.Upstream, false, 0, once}},

		{"prompt_blocked", respondOK(`[{"promptFeedback":{"blockReason":1}}]`), want{blocked, fault.Blocked, false, 0, once}},
		{"prompt_blocked_by_name", respondOK(`[{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}]`), want{blocked, fault.Blocked, false, 0, once}},
		{"prompt_blocked_by_unknown_name", respondOK(`[{"promptFeedback":{"blockReason":"JAILBREAK"}}]`), want{blocked, fault.Blocked, false, 0, once}},
		{"safety", respondOK(stream("3", `{"text":"so"}`)), want{blocked, fault.Blocked, false, 0, once}},
		{"safety_by_name", respondOK(stream(`"SAFETY"`, "")), want{blocked, fault.Blocked, false, 0, once}},
		{"recitation", respondOK(stream("4", `{"text":"so"}`)), want{blocked, fault.Blocked, false, 0, once}},
		{"recitation_by_name", respondOK(stream(`"RECITATION"`, `{"text":"so"}`)), want{blocked, fault.Blocked, false, 0, once}},
		{"language", respondOK(stream("6", "")), want{blocked, fault.Blocked, false, 0, once}},
		{"blocklist", respondOK(stream("7", "")), want{blocked, fault.Blocked, false, 0, once}},
		{"blocklist_by_name", respondOK(stream(`"BLOCKLIST"`, "")), want{blocked, fault.Blocked, false, 0, once}},
		{"prohibited_content", respondOK(stream("8", "")), want{blocked, fault.Blocked, false, 0, once}},
		{"prohibited_content_without_content", respondOK(`[{"candidates":[{"finishReason":8}]}]`), want{blocked, fault.Blocked, false, 0, once}},
		{"prohibited_content_by_name", respondOK(stream(`"PROHIBITED_CONTENT"`, "")), want{blocked, fault.Blocked, false, 0, once}},
		{"spii", respondOK(stream("9", "")), want{blocked, fault.Blocked, false, 0, once}},
		{"spii_by_name", respondOK(stream(`"SPII"`, "")), want{blocked, fault.Blocked, false, 0, once}},

		{"malformed_function_call", respondOK(stream("10", `{"text":"I shall look"}`)), want{empty, fault.Upstream, false, 0, once}},
		{"malformed_function_call_by_name", respondOK(stream(`"MALFORMED_FUNCTION_CALL"`, "")), want{empty, fault.Upstream, false, 0, once}},
		{"max_tokens_without_parts", respondOK(stream("2", "")), want{outOfTokens, fault.Upstream, false, 0, 2}},
		{"stop_without_parts", respondOK(stream("1", "")), want{empty, fault.Upstream, false, 0, once}},
		{"stop_with_blank_text", respondOK(stream("1", `{"text":" \n"}`)), want{empty, fault.Upstream, false, 0, once}},
		{"stop_with_invisible_text", respondOK(stream("1", `{"text":"\u200b"}`)), want{empty, fault.Upstream, false, 0, once}},
		{"stop_with_joiners", respondOK(stream("1", `{"text":"\u2060\ufeff \u00a0"}`)), want{empty, fault.Upstream, false, 0, once}},
		{"stop_with_fillers", respondOK(stream("1", `{"text":"\u3164\u2800\u115f\u1160\uffa0"}`)), want{empty, fault.Upstream, false, 0, once}},
		{"stop_with_selectors_and_controls", respondOK(stream("1", `{"text":"\ufe0f\u202e\u2066\u0301\u0007\u034f\u00ad"}`)), want{empty, fault.Upstream, false, 0, once}},
		{"max_tokens_with_invisible_text", respondOK(stream("2", `{"text":"\u200b"}`)), want{outOfTokens, fault.Upstream, false, 0, 2}},
		{"prompt_blocked_within_a_text", respondOK(`[{"candidates":[{"content":{"parts":[{"text":"so"}]}}]},{"promptFeedback":{"blockReason":"SAFETY"}}]`), want{blocked, fault.Blocked, false, 0, once}},
		{"unknown_finish_reason_without_parts", respondOK(stream(`"WHIM"`, "")), want{empty, fault.Upstream, false, 0, once}},
		{"only_a_thought", respondOK(stream("1", `{"text":"hm","thought":true}`)), want{empty, fault.Upstream, false, 0, once}},
		{"only_a_signature", respondOK(stream("1", `{"thoughtSignature":"abc"}`)), want{empty, fault.Upstream, false, 0, once}},
		{"only_a_file", respondOK(stream("1", `{"fileData":{"fileUri":"x"}}`)), want{empty, fault.Upstream, false, 0, once}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			api := newFakeAPI(t, test.handler)
			client := newTestClient(t, api.URL, nil)

			_, err := client.Generate(t.Context(), question())

			e := fault.Of(err)
			if e == nil {
				t.Fatalf("Generate succeeded, want %+v", test.want)
			}
			got := want{
				outcome: failureOf(err).outcome, kind: e.Kind,
				transient: e.Transient, retryAfter: e.RetryAfter, attempts: len(api.requests()),
			}
			if got != test.want {
				t.Errorf("failure = %+v (%v)\nwant      %+v", got, err, test.want)
			}
			if want := test.want.outcome.consequences().message; e.Message != want {
				t.Errorf("message = %q, want %q", e.Message, want)
			}
			var named interface{ Reason() string }
			if !errors.As(err, &named) || named.Reason() != string(test.want.outcome) {
				t.Errorf("error = %v, want one with the reason %s", err, test.want.outcome)
			}
			checkNothingLeaked(t, client.log, err)
		})
	}
}

func TestErrInvalidRequest(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    bool
	}{
		"400":                      {respondError(400, "INVALID_ARGUMENT", "The document has no pages."), true},
		"400_within_a_stream":      {respondOK("[" + errorObject(400, "INVALID_ARGUMENT", "Unable to process input image.") + "]"), true},
		"400_without_a_body":       {respond(400, ""), true},
		"413":                      {respond(413, ""), true},
		"400_unsupported_location": {respondError(400, "FAILED_PRECONDITION", "User location is not supported"), false},
		"400_retired_model":        {respondError(400, "INVALID_ARGUMENT", "This model is no longer available."), false},
		"401":                      {respondError(401, "UNAUTHENTICATED", "who"), false},
		"404":                      {respondError(404, "NOT_FOUND", "no such model"), false},
		"302":                      {respond(302, ""), false},
		"503":                      {respondError(503, "UNAVAILABLE", "x"), false},
		"empty":                    {respondOK(stream("1", "")), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newTestClient(t, newFakeAPI(t, test.handler).URL, nil)
			_, err := client.Generate(t.Context(), fileQuestion(10))
			if got := errors.Is(err, ErrInvalidRequest); err == nil || got != test.want {
				t.Errorf("error = %v, is ErrInvalidRequest = %v; want an error with %v", err, got, test.want)
			}
		})
	}
}

func Test_failureOf(t *testing.T) {
	t.Parallel()
	const address = "https://example.com/?key=" + testKey
	for _, test := range []struct {
		name string
		err  error
		want outcome
	}{
		{"sdk_error", errors.New("proto: unexpected token " + testCompletion), malformed},
		{"deadline_exceeded", context.DeadlineExceeded, timedOut},
		{"canceled", context.Canceled, canceled},
		{"failure", &Failure{outcome: overloaded}, overloaded},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := failureOf(&url.Error{Op: "Post", URL: address, Err: test.err})
			if got.outcome != test.want {
				t.Errorf("outcome = %s, want %s", got.outcome, test.want)
			}
			checkNothingLeaked(t, &bytes.Buffer{}, got)
		})
	}
}
