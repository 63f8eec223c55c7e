package simulator

import "net/http"

// redirectToDocs handles GET /docs: it redirects to the service's description of
// its API.
func (s *Simulator) redirectToDocs(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, s.serviceOrigin()+"/docs", http.StatusFound)
}
