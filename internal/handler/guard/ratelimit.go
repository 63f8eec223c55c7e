package guard

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/httprate"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
)

// Rate is the number of requests that one client address may send in a window
// of time. Zero requests mean no limit.
type Rate struct {
	Requests int
	Window   time.Duration
}

// RateLimit rejects requests of a client address that exceeds rate. IPv6
// clients usually control a whole /64 network, so all addresses of a /64 share
// one limit.
func RateLimit(rate Rate, trustedProxies []netip.Prefix) Middleware {
	if rate.Requests == 0 {
		return passThrough
	}
	address := func(r *http.Request) (string, error) {
		return httprate.CanonicalizeIP(middleware.GetClientIP(r.Context())), nil
	}
	reject := func(w http.ResponseWriter, r *http.Request) {
		err := fault.New(fault.RateLimited, "too many requests; slow down and try again later")
		err.RetryAfter = rate.Window
		wire.WriteFailure(w, r, err)
	}
	return chi.Chain(clientAddress(trustedProxies), httprate.LimitBy(rate.Requests, rate.Window, address,
		httprate.WithResponseHeaders(httprate.ResponseHeaders{}), // WriteFailure sets Retry-After
		httprate.WithLimitHandler(reject),
	)).Handler
}

// clientAddress finds the address of the client. It uses only those entries of
// X-Forwarded-For that a trusted proxy wrote. Clients without a valid address
// there share one limit.
func clientAddress(trustedProxies []netip.Prefix) Middleware {
	if len(trustedProxies) == 0 {
		return middleware.ClientIPFromRemoteAddr
	}
	prefixes := make([]string, len(trustedProxies))
	for i, prefix := range trustedProxies {
		prefixes[i] = prefix.String()
	}
	return middleware.ClientIPFromXFF(prefixes...)
}
