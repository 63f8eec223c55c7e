package handler_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"aisha/internal/handler"
	"aisha/internal/service/gemini"
	"aisha/internal/service/waitlist"
)

func TestPromptReachesTheServiceAndItsAnswerIsDescribedInHeaders(t *testing.T) {
	t.Parallel()
	var reached string
	good := working().Gemini
	api := newAPI(func(o *handler.Options) {
		o.Gemini = askFunc(func(ctx context.Context, prompt string) (gemini.Answer, error) {
			reached = prompt
			return good.Ask(ctx, prompt).Get()
		})
	})
	got := call(t, api, post("/gemini", `{"prompt":" What is <b>?\u0000 "}`))
	if reached != " What is <b>?\x00 " {
		t.Errorf("the service got %q", reached)
	}
	for name, want := range map[string]string{
		"Aisha-Model": "gemini-test", "Aisha-Finish-Reason": "STOP", "Aisha-Prompt-Tokens": "5", "Aisha-Response-Tokens": "7",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.header.Get(name), want)
		}
	}
}

func TestSigningUpHasADeadlineAndAskingHasNone(t *testing.T) {
	t.Parallel()
	var signup, prompt bool
	api := newAPI(func(o *handler.Options) {
		o.Waitlist = joinFunc(func(ctx context.Context, _ waitlist.SignUp) (waitlist.Entry, error) {
			_, signup = ctx.Deadline()
			return waitlist.Entry{ID: 1}, nil
		})
		o.Gemini = askFunc(func(ctx context.Context, _ string) (gemini.Answer, error) {
			_, prompt = ctx.Deadline()
			return gemini.Answer{}, errors.New("enough")
		})
	})
	call(t, api, post("/waiting-list/", signUp))
	call(t, api, post("/gemini", `{"prompt":"x"}`))
	if !signup || prompt {
		t.Errorf("deadline of a sign-up %t, of a prompt %t", signup, prompt)
	}
}

func TestDocumentsAreKeptByETag(t *testing.T) {
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
			t.Errorf("%s: %d %v", path, first.status, first.header)
		}
		r := get(path)
		r.Header.Set("If-None-Match", `W/"x", `+first.header.Get("Etag"))
		if again := call(t, api, r); again.status != http.StatusNotModified || again.body != "" {
			t.Errorf("%s: %d with %d bytes, though it is the same", path, again.status, len(again.body))
		}
		r.Header.Set("If-None-Match", `"another"`)
		if other := call(t, api, r); other.status != http.StatusOK {
			t.Errorf("%s: %d, though the caller has another", path, other.status)
		}
	}
}

func TestPagesLoadNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	api := newAPI()
	for _, path := range []string{"/docs", "/redoc"} {
		page := call(t, api, get(path))
		if strings.Contains(page.body, "://") || strings.Contains(page.body, "<script>") {
			t.Errorf("%s names another host or has a script of its own", path)
		}
		policy := page.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "script-src 'self';") || strings.Contains(policy, "http") {
			t.Errorf("%s: the policy is %q", path, policy)
		}
	}
	if redoc := call(t, api, get("/docs/redoc.standalone.js")); strings.Contains(redoc.body, "cdn.redoc.ly") {
		t.Error("ReDoc asks another host for its logo: see the README beside it")
	}
}
