package handler_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/service/gemini"
)

// record is call without the checks.
func record(api http.Handler, r *http.Request) answer {
	recorder := httptest.NewRecorder()
	api.ServeHTTP(recorder, r)
	return answer{recorder.Code, recorder.Result().Header, recorder.Body.String()}
}

func TestRequestIDIsTheCallersIfItIsSane(t *testing.T) {
	t.Parallel()
	for id, kept := range map[string]bool{
		"0f8fad5b-d9cb-469f":    true,
		"a.B_9-":                true,
		strings.Repeat("x", 64): true,
		strings.Repeat("x", 65): false,
		"":                      false,
		"a b":                   false,
		"a\"b":                  false,
		"ü":                     false,
		"a/b":                   false,
		"@":                     false,
		"a[b":                   false,
	} {
		for _, path := range []string{"/", "/nowhere"} {
			r := get(path)
			r.Header.Set("X-Request-Id", id)
			out, toLog := logged(slog.LevelDebug)
			got := call(t, newAPI(toLog), r).header.Get("X-Request-Id")
			if (got == id) != kept || got == "" {
				t.Errorf("%q became %q", id, got)
			}
			if lines := out.lines(t); len(lines) != 1 || lines[0]["request_id"] != got {
				t.Errorf("logged %v", lines)
			}
		}
	}
}

func TestOneLogLineForEachRequest(t *testing.T) {
	t.Parallel()
	failing := func(o *handler.Options) {
		o.Gemini = askFailing(fault.Wrap(errors.New("the cause"), fault.Upstream, "public"))
		o.Waitlist = joinFailing(fmt.Errorf("the cause: %w", fault.InvalidField("username", "is wrong")))
		o.Ready = func(context.Context) error { return errors.New("the cause") }
	}
	for name, tt := range map[string]struct {
		request *http.Request
		level   string
		route   string
		status  float64
		cause   bool
	}{
		"success":     {get("/"), "DEBUG", "/", 200, false},
		"a document":  {get("/docs/swagger-ui.css?x=secret"), "DEBUG", "/docs/{file}", 200, false},
		"not found":   {get("/254712345678"), "INFO", "unmatched", 404, false},
		"not allowed": {get("/gemini"), "INFO", "unmatched", 405, false},
		"their fault": {post("/waiting-list/", signUp), "INFO", "/waiting-list", 422, false},
		"our fault":   {post("/gemini", `{"prompt":"x"}`), "ERROR", "/gemini", 500, true},
		"not ready":   {get("/readyz"), "WARN", "/readyz", 500, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			atLeast := slog.LevelInfo // where the cause of what is not our fault stays out
			if tt.level == "DEBUG" {
				atLeast = slog.LevelDebug
			}
			out, toLog := logged(atLeast)
			call(t, newAPI(failing, toLog), tt.request)
			lines := out.lines(t)
			if len(lines) != 1 {
				t.Fatalf("%d lines: %v", len(lines), lines)
			}
			line := lines[0]
			if line["level"] != tt.level || line["route"] != tt.route || line["status"] != tt.status || line["method"] != tt.request.Method {
				t.Errorf("logged %v", line)
			}
			if strings.Contains(fmt.Sprint(line["error"]), "the cause") != tt.cause {
				t.Errorf("the cause: %v", line["error"])
			}
			if text := fmt.Sprint(line); strings.Contains(text, "192.0.2.1") || strings.Contains(text, "secret") || strings.Contains(text, "2547") {
				t.Errorf("logged what is personal: %s", text)
			}
		})
	}
}

func TestWhatGoesWellIsQuiet(t *testing.T) {
	t.Parallel()
	out, toLog := logged(slog.LevelInfo)
	api := newAPI(toLog)
	for _, path := range []string{"/", "/healthz", "/readyz", "/metrics"} {
		call(t, api, get(path))
	}
	if lines := out.lines(t); len(lines) != 0 {
		t.Errorf("logged %v", lines)
	}
}

func TestCallerWhoHungUpIsNoErrorOfOurs(t *testing.T) {
	t.Parallel()
	out, toLog := logged(slog.LevelInfo)
	ctx, hangUp := context.WithCancel(t.Context())
	api := newAPI(toLog, func(o *handler.Options) {
		o.Gemini = askFunc(func(ctx context.Context, _ string) (gemini.Answer, error) {
			hangUp()
			<-ctx.Done()
			return gemini.Answer{}, ctx.Err()
		})
	})
	record(api, post("/gemini", `{"prompt":"x"}`).WithContext(ctx))
	lines := out.lines(t)
	if len(lines) != 1 || lines[0]["status"] != 499.0 || lines[0]["level"] != "INFO" {
		t.Errorf("logged %v", lines)
	}
}

func TestRequestsAreCountedByPattern(t *testing.T) {
	t.Parallel()
	api := newAPI()
	call(t, api, post("/waiting-list/", signUp))
	call(t, api, get("/some/254712345678"))
	call(t, api, get("/docs/no-such-file"))
	call(t, api, httptest.NewRequest("BREW", "/", nil))
	call(t, api, httptest.NewRequest(http.MethodHead, "/healthz", nil))
	got := call(t, api, get("/metrics"))
	for _, want := range []string{
		`aisha_http_requests_total{method="POST",route="/waiting-list",status="200"} 1`,
		`aisha_http_requests_total{method="GET",route="unmatched",status="404"} 1`,
		`aisha_http_requests_total{method="GET",route="/docs/{file}",status="404"} 1`,
		`aisha_http_requests_total{method="OTHER",route="unmatched",status="405"} 1`,
		`aisha_http_requests_total{method="HEAD",route="/healthz",status="200"} 1`,
		`aisha_http_request_duration_seconds_count{method="POST",route="/waiting-list"} 1`,
	} {
		if !strings.Contains(got.body, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(got.body, "254712345678") {
		t.Error("a path is counted under its own name")
	}
}
