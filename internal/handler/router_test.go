package handler_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"
)

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	t.Run("description_and_examples_are_valid", func(t *testing.T) {
		t.Parallel()
		doc, _ := description(t)
		if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaFormatValidation()); err != nil {
			t.Errorf("validate api/openapi.yaml: got %v, want no error", err)
		}
	})
	t.Run("lists_exactly_the_routes", func(t *testing.T) {
		t.Parallel()
		doc, _ := description(t)
		unlisted := servedRoutes(t)
		for path, item := range doc.Paths.Map() {
			for method := range item.Operations() {
				if !unlisted[method+" "+path] {
					t.Errorf("%s %s is described and not served", method, path)
				}
				delete(unlisted, method+" "+path)
			}
		}
		for route := range unlisted {
			t.Errorf("%s is served and not described", route)
		}
	})
}

// servedRoutes returns the routes of the API as "METHOD /path". It omits
// /docs/{file}, which belongs to the page /docs.
func servedRoutes(t *testing.T) map[string]bool {
	t.Helper()
	served := map[string]bool{}
	err := chi.Walk(newAPI().(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		served[method+" "+route] = true
		return nil
	})
	if err != nil {
		t.Fatalf("list the routes: %v", err)
	}
	delete(served, "GET /docs/{file}")
	return served
}

func TestNew(t *testing.T) {
	t.Parallel()
	const jsonType = "application/json; charset=utf-8"
	for name, tt := range map[string]struct {
		request     *http.Request
		contentType string
		body        string
	}{
		"root":                      {get("/"), jsonType, `{"message":"Waiting List API is running"}`},
		"sign_up":                   {post("/waiting-list/", signUp), jsonType, `{"message":"Added to waiting list","id":1}`},
		"sign_up_without_end_slash": {post("/waiting-list", signUp), jsonType, `{"message":"Added to waiting list","id":1}`},
		"prompt":                    {post("/gemini", `{"prompt":"x"}`), jsonType, `{"response":"1 < 2 & that's it"}`},
		"subscription": {
			get("/webhook/whatsapp?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=T"),
			"text/plain; charset=utf-8", "1158201444",
		},
		"webhook": {
			signed(post("/webhook/whatsapp", `{"object":"whatsapp_business_account"}`)), jsonType,
			`{"status":"success","data":{"messages":2,"statuses":1,"unhandled":0}}`,
		},
		"subscription_with_end_slash": {
			get("/webhook/whatsapp/?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=T"),
			"text/plain; charset=utf-8", "1158201444",
		},
		"webhook_with_end_slash": {
			signed(post("/webhook/whatsapp/", `{"object":"whatsapp_business_account"}`)), jsonType,
			`{"status":"success","data":{"messages":2,"statuses":1,"unhandled":0}}`,
		},
		"healthz": {get("/healthz"), jsonType, `{"status":"success","data":{"state":"up"}}`},
		"readyz":  {get("/readyz"), jsonType, `{"status":"success","data":{"state":"ready","sending":"open","credentials":{"gemini":"ok","whatsapp":"unchecked"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t, newAPI(), tt.request)
			if got.status != http.StatusOK || got.body != tt.body || got.header.Get("Content-Type") != tt.contentType {
				t.Errorf("got %d %q %q, want 200 %q %q", got.status, got.header.Get("Content-Type"), got.body, tt.contentType, tt.body)
			}
			if got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control is %q, want no-store", got.header.Get("Cache-Control"))
			}
		})
	}
}

func TestNew_HEAD(t *testing.T) {
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
			t.Fatalf("HEAD %s: %v", path, err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK || path != "/metrics" && res.ContentLength <= 0 {
			t.Errorf("HEAD %s: got status %d and length %d, want 200 and the length of the body", path, res.StatusCode, res.ContentLength)
		}
	}
}
