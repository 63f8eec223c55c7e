package simulator

import (
	"net/http"

	"github.com/go-chi/chi/v5"
)

// credentialRoutes serves the cheap calls with which a client checks its key or its
// token. The page does not list them.
func (s *Simulator) credentialRoutes(r chi.Router) {
	r.Get("/{version:v[0-9]+\\.[0-9]+}/"+s.options.PhoneNumberID, s.graphPhoneNumber)
	r.Get("/v1beta/models/{model}", s.geminiModel)
}

// graphPhoneNumber handles GET /{version}/{phone-number-id}.
func (s *Simulator) graphPhoneNumber(w http.ResponseWriter, r *http.Request) {
	if !s.graphAuthorized(r) {
		invalidToken().write(w)
		return
	}
	writeJSON(w, http.StatusOK, object{"id": s.options.PhoneNumberID})
}

// geminiModel handles GET /v1beta/models/{model}.
func (s *Simulator) geminiModel(w http.ResponseWriter, r *http.Request) {
	if !secretsEqual(r.Header.Get("X-Goog-Api-Key"), s.options.GeminiKey) {
		invalidKey().write(w, methodGenerate)
		return
	}
	writeJSON(w, http.StatusOK, object{"name": "models/" + chi.URLParam(r, "model")})
}
