package simulator

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestSimulator_SignUpPage(t *testing.T) {
	t.Parallel()
	f := newFixture(t, &fakeService{})
	for webhookURL, api := range map[string]string{
		"http://localhost:8123/webhook/whatsapp": "http://localhost:8123",
		"https://aisha.example/webhook/whatsapp": "https://aisha.example",
		"":                                       "http://localhost:8000", // the service has not started yet
	} {
		f.SetWebhookURL(webhookURL)
		response := f.get(t, "/signup")
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatalf("read the page: %v", err)
		}
		if contentType := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || contentType != "text/html; charset=utf-8" {
			t.Errorf("got status %d and content type %q, want 200 and a page", response.StatusCode, contentType)
		}
		for _, want := range []string{`action="` + api + `/waiting-list/"`, `name="username"`, `name="phone_number"`} {
			if !strings.Contains(string(body), want) {
				t.Errorf("webhook URL %q: the page does not contain %q", webhookURL, want)
			}
		}
		policy := response.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'sha256-", "style-src 'sha256-", "connect-src " + api + ";"} {
			if !strings.Contains(policy, want) {
				t.Errorf("webhook URL %q: the policy is %q, want %q in it", webhookURL, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("the policy is %q, want nothing unsafe", policy)
		}
	}
}
