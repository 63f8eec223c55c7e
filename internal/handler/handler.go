// Package handler decides how HTTP requests reach the services and how the
// answers look: routes, limits, keys, bodies, status codes, logs and metrics.
//
// It leaves every rule of the business to the services. A handler turns a
// request into a call and the result into a reply or an error; one function
// writes all bodies, and one table turns a fault into a status.
package handler

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"aisha/internal/resource"
	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/whatsapp"
)

// Waitlist takes sign-ups. Faults: Invalid, Unavailable.
type Waitlist interface {
	Join(ctx context.Context, in waitlist.SignUp) resource.Resource[waitlist.Entry]
}

// Gemini answers single prompts. Faults: Invalid, Blocked, Upstream,
// UpstreamTimeout, NotConfigured.
type Gemini interface {
	Ask(ctx context.Context, prompt string) resource.Resource[gemini.Answer]
}

// WhatsApp takes what Meta's webhook delivers. Faults: Forbidden,
// NotConfigured, Unavailable, and Invalid of Subscribe.
type WhatsApp interface {
	Receive(ctx context.Context, signature string, body []byte) resource.Resource[whatsapp.Receipt]
	Subscribe(in whatsapp.Subscription) resource.Resource[string]
	Kept(ctx context.Context, before int64) resource.Resource[[]whatsapp.KeptItem]
	Sending(ctx context.Context) resource.Resource[whatsapp.SendingState]
}

// Options is what the handler is built of. Every service, Ready, Metrics and
// Log must be there.
type Options struct {
	Waitlist Waitlist
	Gemini   Gemini
	WhatsApp WhatsApp
	Ready    func(context.Context) error // nil error: requests can be served

	Metrics    http.Handler          // what GET /metrics shows
	Registerer prometheus.Registerer // where the handler's own metrics go; nil for nowhere
	Log        *slog.Logger

	CORSAllowedOrigins []string // none: other origins are not allowed
	APIKeys            []sensitive.Secret
	AdminToken         sensitive.Secret // empty: no operator routes
	RateSignups        Rate
	RateGemini         Rate
	TrustedProxies     []netip.Prefix // whose X-Forwarded-For is believed
}

// How long a request may keep a service busy. A prompt has no bound here: the
// client of the model knows how many attempts are worth their time.
const (
	signupPatience  = 10 * time.Second
	webhookPatience = 15 * time.Second
	readyPatience   = 3 * time.Second
)

// New is the whole API.
func New(o Options) http.Handler {
	watch := newWatch(o.Log, o.Registerer)
	r := chi.NewRouter()
	r.Use(watch.observe, recoverPanics, noSniff, allowOrigins(o.CORSAllowedOrigins), middleware.GetHead)
	r.NotFound(serve(unrouted))
	r.MethodNotAllowed(serve(unrouted))

	r.Get("/", serve(root))

	signups := r.With(limit(o.RateSignups, o.TrustedProxies), within(signupPatience))
	signups.Post("/waiting-list", serve(join(o.Waitlist)))
	signups.Post("/waiting-list/", serve(join(o.Waitlist)))

	r.With(limit(o.RateGemini, o.TrustedProxies), requireKey(o.APIKeys)).Post("/gemini", serve(ask(o.Gemini)))

	r.Get("/webhook/whatsapp", serve(subscribe(o.WhatsApp)))
	r.With(within(webhookPatience)).Post("/webhook/whatsapp", serve(receive(o.WhatsApp)))

	r.With(requireOperator(o.AdminToken)).Get("/operator/kept-items", serve(listKept(o.WhatsApp)))

	r.Get("/healthz", serve(alive))
	r.With(within(readyPatience)).Get("/readyz", serve(ready(o.Ready, o.WhatsApp)))
	r.Method(http.MethodGet, "/metrics", o.Metrics)

	docs := newDocs()
	r.Get("/docs", serve(docs.page("swagger-ui.html")))
	r.Get("/docs/{file}", serve(docs.asset))
	r.Get("/redoc", serve(docs.page("redoc.html")))
	r.Get("/openapi.yaml", serve(docs.yaml))
	r.Get("/openapi.json", serve(docs.json))
	return r
}
