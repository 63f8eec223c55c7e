package handler_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"
)

func TestDescriptionIsValidWithItsExamples(t *testing.T) {
	t.Parallel()
	doc, _ := description(t)
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaFormatValidation()); err != nil {
		t.Error(err)
	}
}

func TestRoutesAndDescriptionNameTheSame(t *testing.T) {
	t.Parallel()
	doc, _ := description(t)
	served := map[string]bool{}
	err := chi.Walk(newAPI().(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		served[method+" "+route] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(served, "GET /docs/{file}") // part of the page /docs, not of the API

	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if !served[method+" "+path] {
				t.Errorf("%s %s is described and not served", method, path)
			}
			delete(served, method+" "+path)
		}
	}
	for route := range served {
		t.Errorf("%s is served and not described", route)
	}
}

func TestUnknownPathIsNotFound(t *testing.T) {
	t.Parallel()
	api := newAPI()
	for _, path := range []string{"/nowhere", "/waiting-list/1", "/gemini/", "/docs/", "/docs/../go.mod", "//", "/%2e%2e/etc/passwd"} {
		got := call(t, api, get(path))
		wantFailure(t, got, http.StatusNotFound, "not_found")
	}
	wantFailure(t, call(t, api, httptest.NewRequest("BREW", "/nowhere", nil)), http.StatusNotFound, "not_found")
}

func TestWrongMethodIsToldTheRightOnes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ method, path, allow string }{
		{"GET", "/waiting-list/", "POST"},
		{"HEAD", "/gemini", "POST"},
		{"PUT", "/waiting-list", "POST"},
		{"DELETE", "/webhook/whatsapp", "GET, HEAD, POST"},
		{"POST", "/healthz", "GET, HEAD"},
		{"OPTIONS", "/gemini", "POST"},
		{"BREW", "/", "GET, HEAD"},
	} {
		got := call(t, newAPI(), httptest.NewRequest(tt.method, tt.path, nil))
		wantFailure(t, got, http.StatusMethodNotAllowed, "method_not_allowed")
		if allow := got.header.Get("Allow"); allow != tt.allow {
			t.Errorf("%s %s: Allow is %q, want %q", tt.method, tt.path, allow, tt.allow)
		}
	}
}

func TestHeadAnswersLikeGetWithoutABody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newAPI())
	defer server.Close()
	paths := []string{
		"/", "/healthz", "/readyz", "/docs", "/redoc", "/openapi.yaml", "/openapi.json", "/docs/swagger-ui.css", "/metrics",
		"/webhook/whatsapp?hub.mode=subscribe&hub.challenge=1&hub.verify_token=T",
	}
	for _, path := range paths {
		res, err := http.Head(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK || path != "/metrics" && res.ContentLength <= 0 {
			t.Errorf("HEAD %s: status %d, length %d", path, res.StatusCode, res.ContentLength)
		}
	}
}

func TestAnswersAreExact(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		request     *http.Request
		contentType string
		body        string
	}{
		"root":              {get("/"), "application/json; charset=utf-8", `{"message":"Waiting List API is running"}`},
		"sign-up":           {post("/waiting-list/", signUp), "application/json; charset=utf-8", `{"message":"Added to waiting list","id":1}`},
		"sign-up, no slash": {post("/waiting-list", signUp), "application/json; charset=utf-8", `{"message":"Added to waiting list","id":1}`},
		"prompt":            {post("/gemini", `{"prompt":"x"}`), "application/json; charset=utf-8", `{"response":"1 < 2 & that's it"}`},
		"subscription": {
			get("/webhook/whatsapp?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=T"),
			"text/plain; charset=utf-8", "1158201444",
		},
		"webhook": {
			signed(post("/webhook/whatsapp", `{"object":"whatsapp_business_account"}`)), "application/json; charset=utf-8",
			`{"status":"success","data":{"messages":2,"statuses":1,"kept":0}}`,
		},
		"health": {get("/healthz"), "application/json; charset=utf-8", `{"status":"success","data":{"state":"up"}}`},
		"ready":  {get("/readyz"), "application/json; charset=utf-8", `{"status":"success","data":{"state":"ready","sending":"open"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t, newAPI(), tt.request)
			if got.status != http.StatusOK || got.body != tt.body || got.header.Get("Content-Type") != tt.contentType {
				t.Errorf("got %d %q %q", got.status, got.header.Get("Content-Type"), got.body)
			}
			if got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control is %q", got.header.Get("Cache-Control"))
			}
		})
	}
}

const signUp = `{"username":"John Doe","phone_number":"0712345678"}`

// signed adds a signature of the right form.
func signed(r *http.Request) *http.Request {
	r.Header.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("0a", 32))
	return r
}
