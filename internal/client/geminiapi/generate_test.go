package geminiapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"aisha/internal/fault"
	"aisha/internal/service/gemini"
)

func TestAnAttemptThatFailedIsRepeatedUntilOneSucceeds(t *testing.T) {
	t.Parallel()
	for _, failing := range []http.HandlerFunc{
		replyError(503, "UNAVAILABLE", "x"),
		replyError(429, "RESOURCE_EXHAUSTED", "x", perMinute, retryInfo("0.001s")),
		reply200("[]"),
		cutBefore,
		cutWithin,
	} {
		api := newFakeAPI(t, failing, failing, reply200(good))
		s := newSubject(t, api.URL, withFallback)
		answer, err := s.Generate(t.Context(), question())
		if err != nil || answer.Model != "first" || answer.Text.Reveal() != testWords {
			t.Errorf("answer %+v, error %v", answer, err)
		}
		if len(s.attempts) != 3 || s.attempts[2] != "first answered" {
			t.Errorf("attempts %q", s.attempts)
		}
	}
}

func TestTheFallbackAnswersWhereTheModelDoesNot(t *testing.T) {
	t.Parallel()
	busy := replyError(503, "UNAVAILABLE", "x")
	tests := []struct {
		name     string
		script   []http.HandlerFunc
		attempts []string
	}{
		{"overloaded", []http.HandlerFunc{busy, busy, busy, reply200(good)},
			[]string{"first overloaded", "first overloaded", "first overloaded", "second answered"}},
		{"delay beyond the budget", []http.HandlerFunc{replyError(429, "", "", retryInfo("300s")), reply200(good)},
			[]string{"first overloaded", "second answered"}},
		{"quota", []http.HandlerFunc{replyError(429, "", "", perDay), reply200(good)},
			[]string{"first quota_spent", "second answered"}},
		{"not found", []http.HandlerFunc{replyError(404, "NOT_FOUND", ""), reply200(good)},
			[]string{"first gone", "second answered"}},
		{"retired", []http.HandlerFunc{replyError(400, "", "models/first is no longer available"), reply200(good)},
			[]string{"first gone", "second answered"}},
		{"the fallback has attempts of its own", []http.HandlerFunc{replyError(404, "", ""), busy, reply200(good)},
			[]string{"first gone", "second overloaded", "second answered"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSubject(t, newFakeAPI(t, test.script...).URL, withFallback)
			answer, err := s.Generate(t.Context(), question())
			if err != nil || answer.Model != "second" || answer.Text.Reveal() != testWords {
				t.Errorf("answer %+v, error %v", answer, err)
			}
			if !slices.Equal(s.attempts, test.attempts) {
				t.Errorf("attempts %q", s.attempts)
			}
		})
	}
}

func TestTheFallbackIsNotAskedWhereItCannotHelp(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"key":     replyError(403, "", ""),
		"request": replyError(400, "", ""),
		"refused": reply200(ends("3", "")),
		"broken":  replyError(500, "", ""),
	} {
		s := newSubject(t, newFakeAPI(t, answer).URL, withFallback)
		_, err := s.Generate(t.Context(), question())
		if err == nil || slices.ContainsFunc(s.attempts, func(a string) bool { return a[:5] != "first" }) {
			t.Errorf("%s: error %v, attempts %q", name, err, s.attempts)
		}
	}
}

func TestTheFailureOfAFallbackThatDoesNotExistIsNotTheAnswer(t *testing.T) {
	t.Parallel()
	s := newSubject(t, newFakeAPI(t, replyError(429, "", "", retryInfo("300s")), replyError(404, "", "")).URL, withFallback)
	_, err := s.Generate(t.Context(), question())
	if e := fault.Of(err); !e.Transient || e.RetryAfter != 300*time.Second {
		t.Errorf("got %+v", e)
	}
}

func TestAPauseThatWouldOutlastTheCallerIsNotBegun(t *testing.T) {
	t.Parallel()
	s := newSubject(t, newFakeAPI(t, replyError(503, "", "", retryInfo("40s"))).URL, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := s.Generate(ctx, question())
	if len(s.attempts) != 1 || fault.Of(err).RetryAfter != 40*time.Second {
		t.Errorf("attempts %q, error %v", s.attempts, err)
	}
}

func TestACallerWhoHangsUpDuringAPauseGetsCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := newSubject(t, newFakeAPI(t, replyError(503, "", "", retryInfo("60s"))).URL, func(o *Options) {
		o.Observe = func(string, string, time.Duration) { time.AfterFunc(time.Millisecond, cancel) }
	})
	if _, err := s.Generate(ctx, question()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestPausesDoubleUpToTheLongestAndKeepToWhatTheAPIAsked(t *testing.T) {
	t.Parallel()
	p := pause{first: firstPause, longest: longestPause}
	const asked = 34500 * time.Millisecond
	for attempt, middle := range map[int]time.Duration{2: firstPause, 3: 2 * firstPause, 9: longestPause * 2 / 3} {
		for range 100 {
			got := p.before(attempt, &failure{retryAfter: asked})
			if got < asked+middle/2 || got > asked+middle*3/2 || got > asked+longestPause {
				t.Fatalf("before attempt %d: %v", attempt, got)
			}
		}
	}
}

func TestARequestThatAsksNothingIsOurMistake(t *testing.T) {
	t.Parallel()
	s := newSubject(t, "http://127.0.0.1:1", nil)
	for name, turns := range map[string][]gemini.Turn{
		"no turns":       nil,
		"model's turn":   {said(gemini.User, "hi"), said(gemini.Assistant, "hello")},
		"nothing said":   {said(gemini.User, "")},
		"a turn of none": {{Role: gemini.User}},
	} {
		if _, err := s.Generate(t.Context(), gemini.Request{Turns: turns}); !fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(s.attempts) != 0 {
		t.Errorf("attempts %q", s.attempts)
	}
}

func TestCallersAtOnceEachGetAnAnswer(t *testing.T) {
	t.Parallel()
	s := newSubject(t, newFakeAPI(t, reply200(good)).URL, func(o *Options) { o.Observe = nil })
	var callers sync.WaitGroup
	for range 100 {
		callers.Go(func() {
			if answer, err := s.Generate(t.Context(), question()); err != nil || answer.Text.Reveal() != testWords {
				t.Errorf("answer %+v, error %v", answer, err)
			}
		})
	}
	callers.Wait()
}
