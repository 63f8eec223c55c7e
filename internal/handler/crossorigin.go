package handler

import (
	"net/http"
	"strings"

	"aisha/internal/handler/guard"
)

// crossOrigin applies CORS to the routes that web pages of other origins may
// call. It excludes the routes for operators, Meta and Prometheus, which no page
// calls. POST /gemini has origins of its own, because each call costs money.
func crossOrigin(o Options) guard.Middleware {
	allowPublic, allowPrompts := guard.CORS(o.CORSAllowedOrigins), guard.CORS(o.CORSGeminiOrigins)
	logRejected := guard.LogRejectedPreflights(o.Log)
	return func(next http.Handler) http.Handler {
		public, prompts := logRejected(allowPublic(next)), logRejected(allowPrompts(next))
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch path := r.URL.Path; {
			case isUnder(path, "/operator"), isUnder(path, "/webhook"), isUnder(path, "/metrics"):
				next.ServeHTTP(w, r)
			case isUnder(path, "/gemini"):
				prompts.ServeHTTP(w, r)
			default:
				public.ServeHTTP(w, r)
			}
		})
	}
}

func isUnder(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}
