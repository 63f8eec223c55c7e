package guard

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
	"aisha/internal/ratelimit"
)

// networkFactor is how many times the limit of one address applies to a network
// that has many clients.
const networkFactor = 10

// AddressLimit limits the requests of client addresses.
//
// An IPv6 client usually controls a whole /64 network and can often get a whole
// /48, so a /64 counts as one address, and a /48 may send ten times as many
// requests as one address. So may a proxy that does not name its clients.
type AddressLimit struct {
	addresses *ClientAddresses
	single    *ratelimit.Limiter
	networks  *ratelimit.Limiter
	window    time.Duration
}

// NewAddressLimit returns an AddressLimit of this rate for one address.
func NewAddressLimit(addresses *ClientAddresses, rate ratelimit.Rate) *AddressLimit {
	return &AddressLimit{
		addresses: addresses,
		single:    ratelimit.New(rate),
		networks:  ratelimit.New(rate.Times(networkFactor)),
		window:    rate.Window,
	}
}

// limitKeys are the keys under which a client is counted; "" for none.
type limitKeys struct{ single, network string }

// keysOf returns the keys of the client of a request.
func (l *AddressLimit) keysOf(r *http.Request) limitKeys {
	c := l.addresses.of(r)
	bytes := c.address.AsSlice()
	switch {
	case !c.address.IsValid():
		return limitKeys{network: "unknown"}
	case c.isProxy:
		return limitKeys{network: "proxy" + string(bytes)}
	case c.address.Is4():
		return limitKeys{single: string(bytes)}
	default:
		return limitKeys{single: string(bytes[:64/8]), network: string(bytes[:48/8])}
	}
}

// take counts a request and reports whether it is within the limit.
func (l *AddressLimit) take(keys limitKeys) bool {
	if keys.single != "" && !l.single.Take(keys.single) {
		return false
	}
	if keys.network != "" && !l.networks.Take(keys.network) {
		l.giveBack(limitKeys{single: keys.single})
		return false
	}
	return true
}

// allows reports whether take would return true.
func (l *AddressLimit) allows(keys limitKeys) bool {
	return (keys.single == "" || l.single.Allows(keys.single)) && (keys.network == "" || l.networks.Allows(keys.network))
}

// giveBack takes back a request that take has counted.
func (l *AddressLimit) giveBack(keys limitKeys) {
	if keys.single != "" {
		l.single.Return(keys.single)
	}
	if keys.network != "" {
		l.networks.Return(keys.network)
	}
}

// exceeded returns the failure of a request over the limit.
func (l *AddressLimit) exceeded(message string) error {
	err := fault.New(fault.RateLimited, message)
	err.RetryAfter = l.window
	return err
}

const tooManyRequests = "too many requests; slow down and try again later"

// RateLimit rejects requests over the limit of their address.
func RateLimit(limit *AddressLimit) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !limit.take(limit.keysOf(r)) {
				wire.WriteFailure(w, r, limit.exceeded(tooManyRequests))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// RateLimitValid is RateLimit for requests of which the invalid ones count
// against a limit of their own: a form with a typing error must not use up the
// requests of all who share an address.
func RateLimitValid(limit, invalid *AddressLimit) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			keys := limit.keysOf(r)
			if !invalid.allows(keys) || !limit.take(keys) {
				wire.WriteFailure(w, r, limit.exceeded(tooManyRequests))
				return
			}
			written := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			next.ServeHTTP(written, r)
			if isInvalid(written.Status()) {
				limit.giveBack(keys)
				invalid.take(keys)
			}
		})
	}
}

// isInvalid reports whether the status rejects the content of a request.
func isInvalid(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	default:
		return false
	}
}

// Failure counts a request whose credentials were wrong. It returns failure, or
// fault.RateLimited if the address has sent too many of them. It must not be
// called for right credentials: many clients may share the address of one who
// guesses.
func (l *AddressLimit) Failure(r *http.Request, failure error) error {
	if l.take(l.keysOf(r)) {
		return failure
	}
	return l.exceeded("too many wrong keys or tokens; try again later")
}
