// Package guard provides the middleware of the API: request ids, logs and
// metrics, panic recovery, memory of bodies, CORS, rate limits, keys and
// timeouts. Each file holds one.
package guard

import "net/http"

// Middleware wraps a handler.
type Middleware = func(http.Handler) http.Handler

// passThrough is the Middleware that does nothing.
func passThrough(next http.Handler) http.Handler { return next }
