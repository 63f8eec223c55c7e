package handler_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestDocs_ETag(t *testing.T) {
	t.Parallel()
	api := newAPI()
	for path, contentType := range map[string]string{
		"/docs":                      "text/html; charset=utf-8",
		"/redoc":                     "text/html; charset=utf-8",
		"/openapi.yaml":              "application/yaml",
		"/openapi.json":              "application/json; charset=utf-8",
		"/docs/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
		"/docs/swagger-ui.css":       "text/css; charset=utf-8",
		"/docs/redoc.LICENSE.txt":    "text/plain; charset=utf-8",
	} {
		first := call(t, api, get(path))
		if first.status != http.StatusOK || first.header.Get("Content-Type") != contentType || first.header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: got %d %v, want 200, Content-Type %q and Cache-Control no-cache", path, first.status, first.header, contentType)
		}
		r := get(path)
		r.Header.Set("If-None-Match", `W/"x", `+first.header.Get("Etag"))
		if again := call(t, api, r); again.status != http.StatusNotModified || again.body != "" {
			t.Errorf("%s with its ETag: got %d with %d bytes, want 304 without a body", path, again.status, len(again.body))
		}
		r.Header.Set("If-None-Match", `"another"`)
		if other := call(t, api, r); other.status != http.StatusOK {
			t.Errorf("%s with another ETag: got %d, want 200", path, other.status)
		}
	}
}

func TestDocs_PagesLoadFromThisServerOnly(t *testing.T) {
	t.Parallel()
	api := newAPI()
	for _, path := range []string{"/docs", "/redoc"} {
		page := call(t, api, get(path))
		if strings.Contains(page.body, "://") || strings.Contains(page.body, "<script>") {
			t.Errorf("%s refers to another host or has an inline script, want neither:\n%s", path, page.body)
		}
		policy := page.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "script-src 'self';") || strings.Contains(policy, "http") {
			t.Errorf("%s: the policy is %q, want default-src 'none', script-src 'self' and no host", path, policy)
		}
	}
	if redoc := call(t, api, get("/docs/redoc.standalone.js")); strings.Contains(redoc.body, "cdn.redoc.ly") {
		t.Error("ReDoc loads its logo from cdn.redoc.ly, want no other host; see api/docs/README.md")
	}
}
