package handler

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/cors"
	"github.com/go-chi/httprate"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
)

// Rate is how many requests one client address may make in a window of time.
// Zero requests mean no limit.
type Rate struct {
	Requests int
	Window   time.Duration
}

// middlewareFunc stands before handlers.
type middlewareFunc = func(http.Handler) http.Handler

func pass(next http.Handler) http.Handler { return next }

// noSniff keeps browsers from guessing another content type than the one sent.
func noSniff(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// allowOrigins lets pages of these origins call the API. The library takes an
// empty list for every origin, so then it must not be there at all.
func allowOrigins(origins []string) middlewareFunc {
	if len(origins) == 0 {
		return pass
	}
	return cors.Handler(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost},
		AllowedHeaders: []string{"Accept", "Authorization", "Content-Type", "X-Request-Id"},
		ExposedHeaders: []string{
			"Aisha-Model", "Aisha-Finish-Reason", "Aisha-Prompt-Tokens", "Aisha-Response-Tokens",
			"X-Request-Id", "Retry-After",
		},
		MaxAge: int((10 * time.Minute).Seconds()),
	})
}

// clientAddress finds out who calls, for the rate limits. X-Forwarded-For
// counts only as far as trusted proxies wrote it; where they leave an address
// open, those callers share one limit.
func clientAddress(trusted []netip.Prefix) middlewareFunc {
	if len(trusted) == 0 {
		return middleware.ClientIPFromRemoteAddr
	}
	prefixes := make([]string, len(trusted))
	for i, prefix := range trusted {
		prefixes[i] = prefix.String()
	}
	return middleware.ClientIPFromXFF(prefixes...)
}

// limit bounds the requests of one client address. Who has IPv6 has a whole
// /64 of addresses, so these count as one.
func limit(rate Rate, trusted []netip.Prefix) middlewareFunc {
	if rate.Requests == 0 {
		return pass
	}
	address := func(r *http.Request) (string, error) {
		return httprate.CanonicalizeIP(middleware.GetClientIP(r.Context())), nil
	}
	refused := serve(func(*http.Request) (reply, error) {
		err := fault.New(fault.RateLimited, "too many requests; slow down and try again later")
		err.RetryAfter = rate.Window
		return reply{}, err
	})
	return chi.Chain(clientAddress(trusted), httprate.LimitBy(rate.Requests, rate.Window, address,
		httprate.WithResponseHeaders(httprate.ResponseHeaders{}), // Retry-After is ours
		httprate.WithLimitHandler(refused),
	)).Handler
}

// requireKey lets callers pass who have one of the keys. Without keys the way
// is open.
func requireKey(keys []sensitive.Secret) middlewareFunc {
	if len(keys) == 0 {
		return pass
	}
	refused := serve(func(*http.Request) (reply, error) {
		return reply{}, fault.New(fault.Unauthenticated, "send a valid key as Authorization: Bearer KEY")
	})
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !hasKey(r, keys) {
				refused(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// hasKey compares with every key, and hashes first, so that the time it takes
// tells neither which key was close nor how long one is.
func hasKey(r *http.Request, keys []sensitive.Secret) bool {
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	hash := sha256.Sum256([]byte(strings.TrimSpace(given)))
	found := 0
	for _, key := range keys {
		want := sha256.Sum256([]byte(key.Reveal()))
		found |= subtle.ConstantTimeCompare(hash[:], want[:])
	}
	return found == 1
}

// within bounds how long the handlers behind it may work.
func within(patience time.Duration) middlewareFunc {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), patience)
			defer cancel()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}
