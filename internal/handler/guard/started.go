package guard

import (
	"net/http"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
)

// RejectUntil rejects requests until started reports true: the tables that they
// need may not exist before that.
func RejectUntil(started func() bool) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !started() {
				wire.WriteFailure(w, r, fault.New(fault.Unavailable, "the service is starting; try again soon"))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
