package main

import (
	"net/http"
	"strings"

	"aisha/internal/fault"
	"aisha/internal/handler/guard"
	"aisha/internal/handler/wire"
)

// rejectUntilStarted responds 503 to the routes that need the database until all
// components are started: the tables may not exist before that. Probes and the
// documentation are served at once.
func (a *app) rejectUntilStarted(next http.Handler) http.Handler {
	reject := guard.RequestID(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wire.WriteFailure(w, r, fault.New(fault.Unavailable, "the service is starting; try again soon"))
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.started.Load() && needsDatabase(r.URL.Path) {
			reject.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func needsDatabase(path string) bool {
	for _, prefix := range []string{"/waiting-list", "/webhook", "/operator", "/gemini"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}
