package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"aisha/internal/handler"
)

const (
	// recheckAfter is the time between two checks of a credential that was not
	// accepted.
	recheckAfter = 10 * time.Minute
	// maxUnanswered is how often a check without a verdict is made. The server at a
	// base URL of the operator's choice may have no route for it.
	maxUnanswered = 5
)

// credential is a key or a token that an upstream may reject.
type credential struct {
	name     string                      // the variable
	advice   string                      // what to do if it is rejected
	check    func(context.Context) error // makes one cheap call
	rejected error                       // the error of check if the upstream rejects it

	state atomic.Pointer[handler.CredentialState] // nil before the first verdict
}

// State returns the last verdict. A nil credential is not configured.
func (c *credential) State() handler.CredentialState {
	if c == nil {
		return handler.CredentialUnchecked
	}
	if state := c.state.Load(); state != nil {
		return *state
	}
	return handler.CredentialUnchecked
}

// watch checks the credential until it is accepted, maxUnanswered checks had no
// verdict, or ctx ends. Each change of the
// verdict to rejected is logged once.
func (c *credential) watch(ctx context.Context, log *slog.Logger, pause time.Duration) {
	for unanswered := 0; unanswered < maxUnanswered; {
		err := c.check(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			c.setState(handler.CredentialOK)
			return
		case errors.Is(err, c.rejected):
			if c.setState(handler.CredentialRejected) != handler.CredentialRejected {
				log.WarnContext(ctx, c.name+" is rejected: "+c.advice, slog.Any("error", err))
			}
		default:
			unanswered++
			log.DebugContext(ctx, c.name+" could not be checked", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// setState stores the verdict and returns the one before.
func (c *credential) setState(state handler.CredentialState) handler.CredentialState {
	before := c.State()
	c.state.Store(&state)
	return before
}

// credentials are those that are configured. They are checked in the background, so
// that an upstream that does not respond never delays the start.
type credentials struct{ gemini, whatsapp *credential }

func (c *credentials) states() handler.Credentials {
	return handler.Credentials{Gemini: c.gemini.State(), WhatsApp: c.whatsapp.State()}
}

// addCredentialChecks adds the component that checks the credentials.
func (a *app) addCredentialChecks() {
	var checks sync.WaitGroup
	var stop context.CancelFunc
	a.add(component{
		name: "credential checks",
		start: func(ctx context.Context) error {
			ctx, stop = context.WithCancel(context.WithoutCancel(ctx)) //nolint:gosec // stop cancels it
			for _, c := range []*credential{a.credentials.gemini, a.credentials.whatsapp} {
				if c != nil {
					checks.Go(func() { c.watch(ctx, a.log, recheckAfter) })
				}
			}
			return nil
		},
		stop: func(context.Context) error {
			stop()
			checks.Wait()
			return nil
		},
	})
}
