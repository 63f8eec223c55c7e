package simulator

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestServePage(t *testing.T) {
	t.Parallel()
	r := newFixture(t, &fakeService{})
	for path, want := range map[string]string{
		"/": "text/html", "/web/main.js": "javascript", "/web/base.css": "text/css", "/web/icon.svg": "image/svg+xml",
	} {
		response := r.get(t, path)
		body, _ := io.ReadAll(response.Body)
		policy := response.Header.Get("Content-Security-Policy")
		if response.StatusCode != http.StatusOK || len(body) == 0 || !strings.Contains(response.Header.Get("Content-Type"), want) {
			t.Errorf("%s: got status %d, content type %q and %d bytes; want 200 and %q", path, response.StatusCode, response.Header.Get("Content-Type"), len(body), want)
		}
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: content security policy is %q, want default-src 'none' and nothing unsafe", path, policy)
		}
	}
	if status := r.get(t, "/web/nothing.js").StatusCode; status != http.StatusNotFound {
		t.Errorf("missing file: got status %d, want 404", status)
	}
}

func TestSameOriginOnly(t *testing.T) {
	t.Parallel()
	r := newFixture(t, &fakeService{})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/api/people", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", "http://evil.example:8001")
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("request of another origin: got status %d, want 403", response.StatusCode)
	}
}
