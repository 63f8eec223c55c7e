package simulator

import (
	"net/http"
	"net/url"
)

// redirectToDocs handles GET /docs: it redirects to the service's description of
// its API.
func (s *Simulator) redirectToDocs(w http.ResponseWriter, r *http.Request) {
	service, err := url.Parse(s.currentWebhookURL())
	if err != nil || service.Host == "" {
		http.Error(w, "the service has not started yet", http.StatusServiceUnavailable)
		return
	}
	docs := url.URL{Scheme: service.Scheme, Host: service.Host, Path: "/docs"}
	http.Redirect(w, r, docs.String(), http.StatusFound)
}
