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
	for host, want := range map[string]bool{
		"localhost": true, "localhost:8001": true, "127.0.0.1:8001": true, "[::1]:8001": true, "127.8.8.8": true,
		"evil.example:8001": false, "localhost.evil.example": false, "192.0.2.1:8001": false, "": false,
	} {
		if got := isLoopbackHost(host); got != want {
			t.Errorf("isLoopbackHost(%q) = %t, want %t", host, got, want)
		}
	}
	r := newFixture(t, &fakeService{})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/api/people", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "evil.example:8001"
	request.Header.Set("Origin", "http://evil.example:8001")
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("request for another host: got status %d, want 403", response.StatusCode)
	}
}
