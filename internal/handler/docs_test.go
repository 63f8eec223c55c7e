package handler_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"aisha/internal/handler"
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

func TestDocs_Compression(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) { o.CORSAllowedOrigins = []string{"*"} })
	// getEncoded sends the header Accept-Encoding.
	getEncoded := func(path, acceptEncoding, etag string) response {
		r := get(path)
		r.Header.Set("Accept-Encoding", acceptEncoding)
		r.Header.Set("If-None-Match", etag)
		return callUnchecked(api, r)
	}
	for _, path := range []string{"/docs", "/redoc", "/docs/swagger-ui-bundle.js", "/docs/redoc.standalone.js", "/openapi.yaml", "/openapi.json"} {
		plain, packed := getEncoded(path, "", ""), getEncoded(path, "gzip, deflate, br", "")
		if packed.header.Get("Content-Encoding") != "gzip" || len(packed.body) > len(plain.body)/2+100 {
			t.Errorf("%s: got encoding %q and %d bytes of %d, want gzip and at most half", path, packed.header.Get("Content-Encoding"), len(packed.body), len(plain.body))
		}
		reader, err := gzip.NewReader(strings.NewReader(packed.body))
		if err != nil {
			t.Fatalf("%s: open the gzip body: %v", path, err)
		}
		if unpacked, err := io.ReadAll(reader); err != nil || string(unpacked) != plain.body {
			t.Errorf("%s: unpacked %d bytes, error %v, want the plain body of %d", path, len(unpacked), err, len(plain.body))
		}
		for name, got := range map[string]response{"plain": plain, "packed": packed} {
			vary := strings.Join(got.header.Values("Vary"), ", ")
			if !strings.Contains(vary, "Accept-Encoding") || !strings.Contains(vary, "Origin") {
				t.Errorf("%s %s: Vary is %q, want Origin and Accept-Encoding", name, path, vary)
			}
			if length := got.header.Get("Content-Length"); length != strconv.Itoa(len(got.body)) {
				t.Errorf("%s %s: Content-Length is %s, want %d", name, path, length, len(got.body))
			}
		}
		if plain.header.Get("Etag") == packed.header.Get("Etag") {
			t.Errorf("%s: both representations have the ETag %s, want different ones", path, plain.header.Get("Etag"))
		}
		if got := getEncoded(path, "gzip", packed.header.Get("Etag")); got.status != http.StatusNotModified || got.body != "" || got.header.Get("Content-Encoding") != "" {
			t.Errorf("%s: got %d with %d bytes for the ETag, want 304 without a body", path, got.status, len(got.body))
		}
		if got := getEncoded(path, "", packed.header.Get("Etag")); got.status != http.StatusOK {
			t.Errorf("%s: got %d for the ETag of the other representation, want 200", path, got.status)
		}
	}
	for acceptEncoding, want := range map[string]string{
		"gzip": "gzip", "GZIP;q=0.5": "gzip", "br, gzip ; q=1.0": "gzip", "*": "gzip", "br;q=1,*;q=0.1": "gzip",
		"": "", "identity": "", "br": "", "gzip;q=0": "", "gzip; q=0.0, *": "", "*;q=0": "", "x-gzipped": "", "gzip;q=x": "",
	} {
		if got := getEncoded("/docs", acceptEncoding, "").header.Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q: got Content-Encoding %q, want %q", acceptEncoding, got, want)
		}
	}
	if got := getEncoded("/", "gzip", ""); got.header.Get("Content-Encoding") != "" {
		t.Error("GET / is compressed, want the documentation only")
	}
}

func TestDocs_Links(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/docs", "/redoc"} {
		page := call(t, newAPI(), get(path))
		for _, want := range []string{`href="docs"`, `href="redoc"`, `href="openapi.yaml"`, `name="viewport"`} {
			if !strings.Contains(page.body, want) {
				t.Errorf("%s does not contain %s", path, want)
			}
		}
		if strings.Contains(page.body, "Phone") {
			t.Errorf("%s links to a phone, want no link without a simulator", path)
		}
		withPhone := call(t, newAPI(func(o *handler.Options) { o.PhoneURL = "http://localhost:8001/?a&b" }), get(path))
		if want := `<a href="http://localhost:8001/?a&amp;b">Phone</a>`; !strings.Contains(withPhone.body, want) {
			t.Errorf("%s does not contain %s", path, want)
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
