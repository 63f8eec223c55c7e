package simulator

import (
	"encoding/json"
	"net/http"

	"github.com/go-chi/chi/v5"
)

func (s *Simulator) routes() http.Handler {
	r := chi.NewRouter()
	r.Group(func(r chi.Router) {
		r.Use(s.recordTraffic(kindGraph))
		r.Post("/{version:v[0-9]+\\.[0-9]+}/{number}/messages", s.graphMessages)
		r.Get("/{version:v[0-9]+\\.[0-9]+}/{media}", s.graphMediaMetadata)
		r.Get(mediaDownloadPath, s.graphMediaDownload)
	})
	r.Group(func(r chi.Router) {
		r.Use(s.recordTraffic(kindGemini))
		r.Post("/v1beta/models/{model}:{method}", s.geminiGenerate)
	})
	r.Group(s.credentialRoutes)
	r.Group(s.pageRoutes)
	return r
}

// writeJSON encodes the body before it writes the status.
func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, "response cannot be encoded", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
