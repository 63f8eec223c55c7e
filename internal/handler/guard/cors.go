package guard

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/cors"
)

// CORS allows pages of these origins to call the API with any request header;
// "*" allows every origin. Without origins it does nothing, because go-chi/cors
// would treat an empty list as "*".
func CORS(origins []string) Middleware {
	if len(origins) == 0 {
		return passThrough
	}
	return cors.Handler(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: crossOriginMethods(),
		// go-chi/cors responds with the headers that the preflight names. A literal
		// "*" in the response would not cover Authorization.
		AllowedHeaders: []string{"*"},
		ExposedHeaders: []string{
			"Aisha-Model", "Aisha-Finish-Reason", "Aisha-Prompt-Tokens", "Aisha-Response-Tokens",
			"Aisha-Referral-Code", requestIDHeader, "Retry-After", "Location",
		},
		MaxAge: int((10 * time.Minute).Seconds()),
	})
}

func crossOriginMethods() []string {
	return []string{http.MethodGet, http.MethodHead, http.MethodPost}
}

const (
	maxLoggedOrigins = 100
	maxLoggedOrigin  = 200 // bytes
)

// LogRejectedPreflights logs a warning for each origin whose preflight is not
// allowed, because the browser reports only that the request failed. It logs an
// origin once, and at most maxLoggedOrigins of them. It must run outside CORS.
func LogRejectedPreflights(log *slog.Logger) Middleware {
	logged := &originSet{}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			if !isPreflight(r) || w.Header().Get("Access-Control-Allow-Origin") != "" {
				return
			}
			origin := r.Header.Get("Origin")
			origin = origin[:min(len(origin), maxLoggedOrigin)]
			if logged.add(origin) {
				log.WarnContext(r.Context(), "cross-origin request rejected: its origin is not in CORS_ALLOWED_ORIGINS",
					slog.String("origin", origin))
			}
		})
	}
}

// isPreflight reports whether a browser asks if a page may send one of the
// methods that CORS allows.
func isPreflight(r *http.Request) bool {
	method := strings.ToUpper(r.Header.Get("Access-Control-Request-Method"))
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && slices.Contains(crossOriginMethods(), method)
}

// originSet holds up to maxLoggedOrigins origins.
type originSet struct {
	mu      sync.Mutex
	origins []string
}

// add reports whether the origin was added: it is new and the set is not full.
func (s *originSet) add(origin string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.origins) == maxLoggedOrigins || slices.Contains(s.origins, origin) {
		return false
	}
	s.origins = append(s.origins, origin)
	return true
}
