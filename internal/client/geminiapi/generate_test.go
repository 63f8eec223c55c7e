package geminiapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aisha/internal/fault"
	"aisha/internal/service/gemini"
)

func TestClient_Generate_retries(t *testing.T) {
	t.Parallel()
	for name, failing := range map[string]http.HandlerFunc{
		"overloaded":                     respondError(503, "UNAVAILABLE", "x"),
		"quota_per_minute":               respondError(429, "RESOURCE_EXHAUSTED", "x", perMinute, retryInfo("0.001s")),
		"empty_stream":                   respondOK("[]"),
		"connection_cut_before_response": cutBeforeResponse,
		"connection_cut_within_response": cutWithinResponse,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newFakeAPI(t, failing, failing, respondOK(goodStream))
			client := newTestClient(t, api.URL, withFallback)
			got, err := client.Generate(t.Context(), question())
			if err != nil || got.Model != "first" || got.Text.Reveal() != testCompletion {
				t.Errorf("completion = %q of %q, error %v; want %q of %q", got.Text.Reveal(), got.Model, err, testCompletion, "first")
			}
			if len(client.attempts) != 3 || client.attempts[2] != "first completed" {
				t.Errorf("attempts = %q, want 3 with the last one completed", client.attempts)
			}
		})
	}
}

func TestClient_Generate_fallback(t *testing.T) {
	t.Parallel()
	busy := respondError(503, "UNAVAILABLE", "x")
	tests := []struct {
		name     string
		script   []http.HandlerFunc
		attempts []string
	}{
		{"overloaded", []http.HandlerFunc{busy, busy, busy, respondOK(goodStream)},
			[]string{"first overloaded", "first overloaded", "first overloaded", "second completed"}},
		{"delay_over_the_budget", []http.HandlerFunc{respondError(429, "", "", retryInfo("300s")), respondOK(goodStream)},
			[]string{"first overloaded", "second completed"}},
		{"daily_quota", []http.HandlerFunc{respondError(429, "", "", perDay), respondOK(goodStream)},
			[]string{"first daily_quota_exceeded", "second completed"}},
		{"model_not_found", []http.HandlerFunc{respondError(404, "NOT_FOUND", ""), respondOK(goodStream)},
			[]string{"first model_not_found", "second completed"}},
		{"model_retired", []http.HandlerFunc{respondError(400, "", "models/first is no longer available"), respondOK(goodStream)},
			[]string{"first model_not_found", "second completed"}},
		{"fallback_is_retried", []http.HandlerFunc{respondError(404, "", ""), busy, respondOK(goodStream)},
			[]string{"first model_not_found", "second overloaded", "second completed"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := newTestClient(t, newFakeAPI(t, test.script...).URL, withFallback)
			got, err := client.Generate(t.Context(), question())
			if err != nil || got.Model != "second" || got.Text.Reveal() != testCompletion {
				t.Errorf("completion = %q of %q, error %v; want %q of %q", got.Text.Reveal(), got.Model, err, testCompletion, "second")
			}
			if !slices.Equal(client.attempts, test.attempts) {
				t.Errorf("attempts = %q, want %q", client.attempts, test.attempts)
			}
		})
	}
}

func TestClient_Generate_fallback_not_used(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"key_rejected":     respondError(403, "", ""),
		"request_rejected": respondError(400, "", ""),
		"bad_key":          respondError(400, "INVALID_ARGUMENT", "", `{"reason":"API_KEY_EXPIRED"}`),
		"location":         respondError(400, "FAILED_PRECONDITION", "User location is not supported"),
		"malformed":        respondOK("<html>"),
		"blocked":          respondOK(stream("3", "")),
		"server_error":     respondError(500, "", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newTestClient(t, newFakeAPI(t, handler).URL, withFallback)
			_, err := client.Generate(t.Context(), question())
			isFallback := func(attempt string) bool { return !strings.HasPrefix(attempt, "first ") }
			if err == nil || slices.ContainsFunc(client.attempts, isFallback) {
				t.Errorf("error = %v with attempts %q, want an error with attempts of the first model only", err, client.attempts)
			}
		})
	}
}

func TestClient_Generate_output_tokens(t *testing.T) {
	t.Parallel()
	outOfTokens := respondOK(stream(`"MAX_TOKENS"`, ""))
	limits := func(api *fakeAPI) (limits []int32) {
		for _, request := range api.requests() {
			var body struct {
				GenerationConfig struct{ MaxOutputTokens int32 }
			}
			if err := json.Unmarshal(request.body, &body); err != nil {
				t.Errorf("decode the request: %v", err)
			}
			limits = append(limits, body.GenerationConfig.MaxOutputTokens)
		}
		return limits
	}
	t.Run("limit_is_sent", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, respondOK(goodStream))
		_, err := newTestClient(t, api.URL, nil).Generate(t.Context(), question())
		if got, want := limits(api), []int32{testLimit}; err != nil || !slices.Equal(got, want) {
			t.Errorf("limits = %v, error %v; want %v", got, err, want)
		}
	})
	t.Run("thoughts_used_all_tokens", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, outOfTokens, respondOK(goodStream))
		got, err := newTestClient(t, api.URL, nil).Generate(t.Context(), question())
		if err != nil || got.Text.Reveal() != testCompletion {
			t.Errorf("completion = %q, error %v; want %q", got.Text.Reveal(), err, testCompletion)
		}
		if got, want := limits(api), []int32{testLimit, thinkingFactor * testLimit}; !slices.Equal(got, want) {
			t.Errorf("limits = %v, want %v", got, want)
		}
	})
	t.Run("text_is_cut_off", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, respondOK(stream(`"MAX_TOKENS"`, `{"text":"and then"}`)))
		got, err := newTestClient(t, api.URL, nil).Generate(t.Context(), question())
		if err != nil || got.Text.Reveal() != "and then" || got.FinishReason != "MAX_TOKENS" {
			t.Errorf("completion = %q with finish reason %s, error %v; want %q with MAX_TOKENS", got.Text.Reveal(), got.FinishReason, err, "and then")
		}
		if n := len(api.requests()); n != 1 {
			t.Errorf("requests = %d, want 1", n)
		}
	})
	t.Run("no_limit", func(t *testing.T) {
		t.Parallel()
		request := question()
		request.MaxOutputTokens = 0
		if _, err := newTestClient(t, "http://127.0.0.1:1", nil).Generate(t.Context(), request); !fault.Is(err, fault.Internal) {
			t.Errorf("error = %v, want fault.Internal", err)
		}
	})
}

func TestClient_Generate_fallback_not_found(t *testing.T) {
	t.Parallel()
	api := newFakeAPI(t, respondError(429, "", "", retryInfo("300s")), respondError(404, "", ""))
	client := newTestClient(t, api.URL, withFallback)
	_, err := client.Generate(t.Context(), question())
	if e := fault.Of(err); !e.Transient || e.RetryAfter != 300*time.Second {
		t.Errorf("fault = %+v, want the first model's, transient with RetryAfter 300s", e)
	}
}

func TestClient_Generate_delay_over_deadline(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, newFakeAPI(t, respondError(503, "", "", retryInfo("40s"))).URL, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := client.Generate(ctx, question())
	if len(client.attempts) != 1 || fault.Of(err).RetryAfter != 40*time.Second {
		t.Errorf("attempts = %q, error %v; want 1 attempt and RetryAfter 40s", client.attempts, err)
	}
}

func TestClient_Generate_canceled_during_delay(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client := newTestClient(t, newFakeAPI(t, respondError(503, "", "", retryInfo("60s"))).URL, func(o *Options) {
		o.Observe = func(string, string, time.Duration) { time.AfterFunc(time.Millisecond, cancel) }
	})
	if _, err := client.Generate(ctx, question()); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
}

func Test_backoff_delay(t *testing.T) {
	t.Parallel()
	b := backoff{initial: initialDelay, max: maxDelay}
	const retryAfter = 34500 * time.Millisecond
	for attempt, exponential := range map[int]time.Duration{2: initialDelay, 3: 2 * initialDelay, 9: maxDelay * 2 / 3} {
		low, high := retryAfter+exponential/2, retryAfter+min(exponential*3/2, maxDelay)
		for range 100 {
			if got := b.delay(attempt, &Failure{retryAfter: retryAfter}); got < low || got > high {
				t.Fatalf("delay(%d) = %v, want %v to %v", attempt, got, low, high)
			}
		}
	}
}

func TestClient_Generate_invalid_request(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, "http://127.0.0.1:1", nil)
	for name, contents := range map[string][]gemini.Content{
		"no contents":      nil,
		"model last":       {textContent(gemini.RoleUser, "hi"), textContent(gemini.RoleModel, "hello")},
		"last has no text": {textContent(gemini.RoleUser, "")},
		"last has no part": {{Role: gemini.RoleUser}},
	} {
		if _, err := client.Generate(t.Context(), gemini.Request{Contents: contents, MaxOutputTokens: testLimit}); !fault.Is(err, fault.Internal) {
			t.Errorf("%s: error = %v, want fault.Internal", name, err)
		}
	}
	if len(client.attempts) != 0 {
		t.Errorf("attempts = %q, want none", client.attempts)
	}
}

func TestClient_Generate_concurrent(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, newFakeAPI(t, respondOK(goodStream)).URL, func(o *Options) { o.Observe = nil })
	var callers sync.WaitGroup
	for range 100 {
		callers.Go(func() {
			if got, err := client.Generate(t.Context(), question()); err != nil || got.Text.Reveal() != testCompletion {
				t.Errorf("completion = %q, error %v; want %q", got.Text.Reveal(), err, testCompletion)
			}
		})
	}
	callers.Wait()
}

func TestClient_Generate_log(t *testing.T) {
	t.Parallel()
	t.Run("completed", func(t *testing.T) {
		t.Parallel()
		client := newTestClient(t, newFakeAPI(t, respondOK(goodStream)).URL, nil)
		if _, err := client.Generate(t.Context(), question()); err != nil {
			t.Fatalf("Generate: %v", err)
		}
		for _, want := range []string{"model=first", "outcome=completed", "took=", "prompt_tokens=7", "response_tokens=5", "finish_reason=STOP"} {
			if !strings.Contains(client.log.String(), want) {
				t.Errorf("the log does not contain %q: %s", want, client.log)
			}
		}
		checkNothingLeaked(t, client.log, nil)
	})
	t.Run("key_rejected", func(t *testing.T) {
		t.Parallel()
		client := newTestClient(t, newFakeAPI(t, respondError(401, "UNAUTHENTICATED", "no")).URL, nil)
		_, err := client.Generate(t.Context(), question())
		if log := client.log.String(); err == nil || !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "key_rejected") {
			t.Errorf("error = %v, want an error and level=ERROR with key_rejected in the log:\n%s", err, log)
		}
	})
}
