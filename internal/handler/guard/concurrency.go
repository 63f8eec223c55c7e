package guard

import (
	"net/http"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
)

// Concurrency rejects requests while limit others are in progress.
func Concurrency(limit int) Middleware {
	slots := make(chan struct{}, limit)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case slots <- struct{}{}:
			default:
				wire.WriteFailure(w, r, fault.New(fault.Unavailable, "too many of these requests at the same time; try again soon"))
				return
			}
			defer func() { <-slots }()
			next.ServeHTTP(w, r)
		})
	}
}
