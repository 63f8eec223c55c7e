package simulator

import (
	"embed"
	"io/fs"
	"net/http"

	"github.com/go-chi/chi/v5"
)

//go:embed web
var web embed.FS

// contentPolicy lets the page load its own files and call its own host only.
// Text of the model can therefore never run as a script.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// pageRoutes serves the page with the phone, and its API.
func (s *Simulator) pageRoutes(r chi.Router) {
	r.Use(pageHeaders)
	r.Get("/", servePage)
	r.Get("/web/*", serveAsset)
	r.Get("/signup", s.serveSignUp)
	r.Get("/docs", s.redirectToDocs)

	r.Group(func(r chi.Router) {
		r.Use(sameOriginOnly)
		r.Get("/api/events", s.pageEvents)
		r.Get("/api/traffic/{id}", s.pageExchange)
		r.Post("/api/traffic/{id}/repeat", s.pageRepeatExchange)
		r.Get("/api/files/{id}", s.pageFile)
		r.Post("/api/files", s.pageSendFile)
		r.Post("/api/messages", s.pageSendMessage)
		r.Post("/api/locations", s.pageSendLocation)
		r.Post("/api/presses", s.pagePressButton)
		r.Post("/api/reactions", s.pageChangeMessage(s.react))
		r.Post("/api/edits", s.pageChangeMessage(s.editMessage))
		r.Post("/api/deletions", s.pageChangeMessage(s.deleteMessage))
		r.Post("/api/echoes", s.pageSendEcho)
		r.Post("/api/people", s.pageAddPerson)
		r.Post("/api/verify", s.pageVerifyWebhook)
		r.Post("/api/faults", s.pageSetFaults)
	})
}

func pageHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

func servePage(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, web, "web/index.html")
}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := "web/" + chi.URLParam(r, "*")
	if info, err := fs.Stat(web, name); err != nil || info.IsDir() {
		http.NotFound(w, r)
		return
	}
	http.ServeFileFS(w, r, web, name) //nolint:gosec // an embedded file system has no files outside of web
}

// sameOriginOnly is middleware that rejects requests of other web pages in the
// same browser. They must neither read the conversations, for example through
// the event stream, nor send messages. A server of this handler must also refuse
// Host headers with foreign names, because of DNS rebinding.
func sameOriginOnly(next http.Handler) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
			http.Error(w, "this page is for its own origin", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	}))
}
