package guard

import (
	"net/http"
	"time"

	"github.com/go-chi/cors"
)

// CORS allows pages of these origins to call the API; "*" allows every origin.
// Without origins it does nothing, because go-chi/cors would treat an empty
// list as "*".
func CORS(origins []string) Middleware {
	if len(origins) == 0 {
		return passThrough
	}
	return cors.Handler(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost},
		AllowedHeaders: []string{"Accept", "Authorization", "Content-Type", requestIDHeader},
		ExposedHeaders: []string{
			"Aisha-Model", "Aisha-Finish-Reason", "Aisha-Prompt-Tokens", "Aisha-Response-Tokens",
			requestIDHeader, "Retry-After",
		},
		MaxAge: int((10 * time.Minute).Seconds()),
	})
}
