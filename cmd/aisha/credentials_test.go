package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aisha/internal/handler"
)

func TestCredential_watch(t *testing.T) {
	t.Parallel()
	rejected, unreachable := errors.New("rejected"), errors.New("unreachable")
	for name, tt := range map[string]struct {
		results   []error // of the checks; the last one is repeated
		checks    int     // within a day
		want      handler.CredentialState
		wantLines int
	}{
		"accepted":                   {[]error{nil}, 1, handler.CredentialOK, 0},
		"rejected":                   {[]error{fmt.Errorf("status 400: %w", rejected)}, 144, handler.CredentialRejected, 1},
		"rejected_then_accepted":     {[]error{rejected, rejected, nil}, 3, handler.CredentialOK, 1},
		"unreachable":                {[]error{unreachable}, maxUnanswered, handler.CredentialUnchecked, 0},
		"unreachable_then_rejected":  {[]error{unreachable, rejected}, 144, handler.CredentialRejected, 1},
		"unreachable_after_rejected": {[]error{rejected, unreachable}, 1 + maxUnanswered, handler.CredentialRejected, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out strings.Builder
				checks := 0
				c := &credential{
					name: "GEMINI_API_KEY", advice: "make a new one", rejected: rejected,
					check: func(context.Context) error {
						checks++
						return tt.results[min(checks, len(tt.results))-1]
					},
				}
				ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour-time.Second)
				defer cancel()
				c.watch(ctx, slog.New(slog.NewTextHandler(&out, nil)), recheckAfter)
				if c.State() != tt.want || checks != tt.checks {
					t.Errorf("got state %q after %d checks, want %q after %d", c.State(), checks, tt.want, tt.checks)
				}
				if got := strings.Count(out.String(), "GEMINI_API_KEY is rejected: make a new one"); got != tt.wantLines || strings.Count(out.String(), "\n") != tt.wantLines {
					t.Errorf("got %q, want %d lines that say what to do", out.String(), tt.wantLines)
				}
			})
		})
	}
}

func TestCredentials_states(t *testing.T) {
	t.Parallel()
	c := &credentials{whatsapp: &credential{}}
	if got, want := c.states(), (handler.Credentials{Gemini: handler.CredentialUnchecked, WhatsApp: handler.CredentialUnchecked}); got != want {
		t.Errorf("got %+v before any check, want %+v", got, want)
	}
	c.whatsapp.setState(handler.CredentialRejected)
	if got := c.states().WhatsApp; got != handler.CredentialRejected {
		t.Errorf("got %q, want rejected", got)
	}
}
