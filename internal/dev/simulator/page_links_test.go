package simulator

import (
	"net/http"
	"testing"
)

func TestRedirectToDocs(t *testing.T) {
	t.Parallel()
	r := newFixture(t, &fakeService{})
	r.SetWebhookURL("http://localhost:8000/webhook/whatsapp")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/docs", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if got := response.Header.Get("Location"); response.StatusCode != http.StatusFound || got != "http://localhost:8000/docs" {
		t.Errorf("got %d to %q, want 302 to http://localhost:8000/docs", response.StatusCode, got)
	}
}
