package handler

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/go-chi/chi/v5/middleware"
)

// recoverPanics answers a panic like any error that nobody expected; the log
// gets the stack. An answer that has begun cannot be taken back: it is cut
// off, so that nobody takes it for whole.
func recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			problem := recover()
			if problem == nil {
				return
			}
			if problem == http.ErrAbortHandler { //nolint:errorlint // net/http compares it the same way
				panic(problem)
			}
			answer := refuse(r.Context(), fmt.Errorf("panic: %v\n%s", problem, debug.Stack()))
			if begun(w) {
				panic(http.ErrAbortHandler)
			}
			write(w, r, answer)
		}()
		next.ServeHTTP(w, r)
	})
}

func begun(w http.ResponseWriter) bool {
	written, ok := w.(middleware.WrapResponseWriter)
	return ok && written.Status() != 0
}
