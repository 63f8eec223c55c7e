// Package handler is the HTTP API: routes, middleware, and one handler per
// route.
//
// A handler converts a request into a service call and returns the result as a
// [wire.Response] or an error. Services decide the rules, package wire writes
// the responses, and package guard provides the middleware.
package handler

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"aisha/internal/handler/guard"
	"aisha/internal/handler/wire"
	"aisha/internal/ratelimit"
)

// Time limits of service calls. POST /gemini has none here: the model's client
// limits its own attempts.
const (
	signUpTimeout  = 10 * time.Second
	webhookTimeout = 15 * time.Second
	readyTimeout   = 3 * time.Second
)

// maxScrapes limits the requests for metrics in progress. Each of them may wait for
// the database.
const maxScrapes = 4

// maxWholeItems limits the requests for whole unhandled items in progress. Each of
// them takes several times the size of its item, which may be 4 MiB.
const maxWholeItems = 2

// Limits of client addresses that no setting changes.
const (
	// maxFailures is how many requests with a wrong key or token an address may
	// send in a minute.
	maxFailures = 60
	// invalidFactor is how many times more invalid sign-ups than valid ones an
	// address may send.
	invalidFactor = 10
)

// NewMetrics returns the handler of an address on which only the metrics are
// served.
func NewMetrics(metrics http.Handler, log *slog.Logger) http.Handler {
	r := chi.NewRouter()
	r.Use(guard.RequestID, guard.Observe(log, nil), guard.Recover, guard.NoSniff, middleware.GetHead)
	r.NotFound(wire.Handler(noRoute))
	r.MethodNotAllowed(wire.Handler(noRoute))
	r.With(guard.Concurrency(maxScrapes)).Method(http.MethodGet, "/metrics", metrics)
	return r
}

// New returns the handler of all routes.
func New(o Options) http.Handler {
	r := chi.NewRouter()
	r.Use(guard.RequestID, guard.Observe(o.Log, o.Registerer), guard.Recover) // this order is required
	r.Use(guard.BodyBudget(&wire.BodyBudget{}), guard.NoSniff, crossOrigin(o), middleware.GetHead)
	r.NotFound(wire.Handler(noRoute))
	r.MethodNotAllowed(wire.Handler(noRoute))

	r.Get("/", wire.Handler(root))

	addresses := guard.NewClientAddresses(o.TrustedProxies, o.Log)
	failures := guard.NewAddressLimit(addresses, ratelimit.Rate{Requests: maxFailures, Window: time.Minute})

	form := newSignUpForm(o.SignupRedirectURL)
	signUps := r.With(form.showFailures, guard.RejectUntil(o.Started), guard.RateLimitValid(
		guard.NewAddressLimit(addresses, o.RateSignups),
		guard.NewAddressLimit(addresses, o.RateSignups.Times(invalidFactor)),
	), guard.Timeout(signUpTimeout))
	signUps.Post("/waiting-list", wire.Handler(joinWaitlist(o.Waitlist, form)))
	signUps.Post("/waiting-list/", wire.Handler(joinWaitlist(o.Waitlist, form)))

	codes := r.With(guard.RejectUntil(o.Started), guard.RateLimit(guard.NewAddressLimit(addresses, o.RateSignups)), guard.Timeout(signUpTimeout))
	codes.Get("/waiting-list/codes/{code}", wire.Handler(getReferralCode(o.Referrals)))

	prompts := r.With(guard.RateLimit(guard.NewAddressLimit(addresses, o.RateGemini)), guard.RequireKey(o.APIKeys, failures))
	prompts.Post("/gemini", wire.Handler(askGemini(o.Gemini)))

	for _, path := range []string{"/webhook/whatsapp", "/webhook/whatsapp/"} {
		r.Get(path, wire.Handler(verifySubscription(o.WhatsApp, failures)))
		r.With(guard.RejectUntil(o.Started), guard.Timeout(webhookTimeout)).Post(path, wire.Handler(receiveWebhook(o.WhatsApp)))
	}

	addOperatorRoutes(r, o, failures)

	r.Get("/healthz", wire.Handler(healthz))
	r.With(guard.Timeout(readyTimeout)).Get("/readyz", wire.Handler(readyz(o)))
	if o.Metrics != nil {
		r.With(guard.Concurrency(maxScrapes)).Method(http.MethodGet, "/metrics", o.Metrics)
	}

	docs := newDocs(o.PhoneURL)
	r.Get("/docs", wire.Handler(docs.page("swagger-ui.html")))
	r.Get("/docs/{file}", wire.Handler(docs.asset))
	r.Get("/redoc", wire.Handler(docs.page("redoc.html")))
	r.Get("/openapi.yaml", wire.Handler(docs.openAPIYAML))
	r.Get("/openapi.json", wire.Handler(docs.openAPIJSON))
	return r
}
