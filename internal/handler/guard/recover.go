package guard

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/go-chi/chi/v5/middleware"

	"aisha/internal/handler/wire"
)

// Recover turns a panic into an internal failure and adds the stack to the
// request's log. If the response has already started, it aborts the
// connection, so that the client does not take the partial response for a
// complete one. It must run inside Observe.
func Recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			recovered := recover()
			if recovered == nil {
				return
			}
			if recovered == http.ErrAbortHandler { //nolint:errorlint // net/http compares it the same way
				panic(recovered)
			}
			err := fmt.Errorf("panic: %v\n%s", recovered, debug.Stack())
			if responseStarted(w) {
				wire.RequestLogOf(r.Context()).Failure = err
				panic(http.ErrAbortHandler)
			}
			wire.WriteFailure(w, r, err)
		}()
		next.ServeHTTP(w, r)
	})
}

// responseStarted reports whether a status was sent. It needs the wrapper that
// Observe puts around the ResponseWriter.
func responseStarted(w http.ResponseWriter) bool {
	written, ok := w.(middleware.WrapResponseWriter)
	return ok && written.Status() != 0
}
