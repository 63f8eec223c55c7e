package guard

import (
	"net/http"

	"aisha/internal/handler/wire"
)

// BodyBudget counts the body of each request against budget until the request
// ends.
func BodyBudget(budget *wire.BodyBudget) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer budget.Track(r)()
			next.ServeHTTP(w, r)
		})
	}
}
