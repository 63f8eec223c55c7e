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
	"time"

	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/ratelimit"
	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/whatsapp"
)

// The tests of this file check how New applies package guard to the routes.

func TestMiddleware_RequestID(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		id    string
		valid bool
	}{
		"hexadecimal":     {"0f8fad5b-d9cb-469f", true},
		"all_classes":     {"a.B_9-", true},
		"longest":         {strings.Repeat("x", 64), true},
		"too_long":        {strings.Repeat("x", 65), false},
		"empty":           {"", false},
		"space":           {"a b", false},
		"quotation_mark":  {"a\"b", false},
		"not_ascii":       {"ü", false},
		"slash":           {"a/b", false},
		"before_letters":  {"@", false},
		"opening_bracket": {"a[b", false},
	} {
		for _, path := range []string{"/", "/nowhere"} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				r := get(path)
				r.Header.Set("X-Request-Id", tt.id)
				out, withLog := logTo(slog.LevelDebug)
				got := call(t, newAPI(withLog), r).header.Get("X-Request-Id")
				if (got == tt.id) != tt.valid || got == "" {
					t.Errorf("sent id %q, got %q; want it kept: %t", tt.id, got, tt.valid)
				}
				if lines := out.lines(t); len(lines) != 1 || lines[0]["request_id"] != got {
					t.Errorf("logged %v, want one line with request_id %q", lines, got)
				}
			})
		}
	}
}

func TestMiddleware_LogLine(t *testing.T) {
	t.Parallel()
	failing := func(o *handler.Options) {
		o.Gemini = askFailing(fault.Wrap(errors.New("the cause"), fault.Upstream, "public"))
		o.Waitlist = joinFailing(fmt.Errorf("the cause: %w", fault.InvalidField("username", fault.FieldInvalidValue, "is wrong")))
		o.Ready = func(context.Context) error { return errors.New("the cause") }
	}
	for name, tt := range map[string]struct {
		request *http.Request
		level   string
		route   string
		status  float64
		cause   bool
	}{
		"success":            {get("/"), "DEBUG", "/", 200, false},
		"document":           {get("/docs/swagger-ui.css?x=secret"), "DEBUG", "/docs/{file}", 200, false},
		"not_found":          {get("/254712345678"), "INFO", "unmatched", 404, false},
		"method_not_allowed": {get("/gemini"), "INFO", "unmatched", 405, false},
		"client_error":       {post("/waiting-list/", signUp), "INFO", "/waiting-list", 422, false},
		"server_error":       {post("/gemini", `{"prompt":"x"}`), "ERROR", "/gemini", 500, true},
		"not_ready":          {get("/readyz"), "WARN", "/readyz", 500, true},
		"not_configured":     {get("/operator/unhandled-items"), "INFO", "/operator/unhandled-items", 503, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			atLeast := slog.LevelInfo // at debug level, client errors are logged with their cause too
			if tt.level == "DEBUG" {
				atLeast = slog.LevelDebug
			}
			out, withLog := logTo(atLeast)
			call(t, newAPI(failing, withLog), tt.request)
			lines := out.lines(t)
			if len(lines) != 1 {
				t.Fatalf("logged %d lines, want 1: %v", len(lines), lines)
			}
			line := lines[0]
			if line["level"] != tt.level || line["route"] != tt.route || line["status"] != tt.status || line["method"] != tt.request.Method {
				t.Errorf("logged %v, want level %s, route %s, status %v and method %s", line, tt.level, tt.route, tt.status, tt.request.Method)
			}
			if strings.Contains(fmt.Sprint(line["error"]), "the cause") != tt.cause {
				t.Errorf("logged the error %v, want the cause: %t", line["error"], tt.cause)
			}
			if text := fmt.Sprint(line); strings.Contains(text, "192.0.2.1") || strings.Contains(text, "secret") || strings.Contains(text, "2547") {
				t.Errorf("logged %s, want no address, path or query of the client", text)
			}
		})
	}
}

func TestMiddleware_SuccessIsNotLoggedAtInfo(t *testing.T) {
	t.Parallel()
	out, withLog := logTo(slog.LevelInfo)
	api := newAPI(withLog)
	for _, path := range []string{"/", "/healthz", "/readyz", "/metrics"} {
		call(t, api, get(path))
	}
	if lines := out.lines(t); len(lines) != 0 {
		t.Errorf("logged %v, want nothing", lines)
	}
}

func TestMiddleware_Metrics(t *testing.T) {
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
			t.Errorf("the metrics do not contain %s", want)
		}
	}
	if strings.Contains(got.body, "254712345678") {
		t.Error("the metrics contain the path /some/254712345678, want the label unmatched")
	}
}

func TestMiddleware_RateLimit(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) {
		o.RateSignups = ratelimit.Rate{Requests: 2, Window: time.Hour}
		o.RateGemini = ratelimit.Rate{Requests: 1, Window: time.Hour}
	})
	bodies := map[string]string{"/gemini": `{"prompt":"x"}`, "/waiting-list": signUp, "/waiting-list/": signUp}
	for i, tt := range []struct {
		address, path string
		want          int
	}{
		{"192.0.2.1:1000", "/waiting-list/", 200},
		{"192.0.2.1:1001", "/waiting-list", 200}, // shares its limit with /waiting-list/
		{"192.0.2.1:1002", "/waiting-list/", 429},
		{"192.0.2.1:1003", "/gemini", 200},
		{"192.0.2.1:1004", "/gemini", 429},
		{"192.0.2.2:1000", "/waiting-list/", 200},
		{"[2001:db8:0:1::1]:1000", "/gemini", 200},
		{"[2001:db8:0:1:ffff::2]:1000", "/gemini", 429}, // the same /64
		{"[2001:db8:0:2::1]:1000", "/gemini", 200},
	} {
		r := post(tt.path, bodies[tt.path])
		r.RemoteAddr = tt.address
		got := call(t, api, r)
		if got.status == http.StatusTooManyRequests {
			wantFailure(t, got, http.StatusTooManyRequests, "rate_limited")
			if got.header.Get("Retry-After") != "3600" {
				t.Errorf("request %d: Retry-After is %q, want 3600", i, got.header.Get("Retry-After"))
			}
		}
		if got.status != tt.want {
			t.Errorf("request %d from %s to %s: got %d, want %d", i, tt.address, tt.path, got.status, tt.want)
		}
	}
}

func TestMiddleware_CORS(t *testing.T) {
	t.Parallel()
	preflight := func() *http.Request {
		r := httptest.NewRequest(http.MethodOptions, "/waiting-list/", nil)
		r.Header.Set("Origin", "https://app.example")
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "content-type")
		return r
	}
	for name, tt := range map[string]struct {
		origins []string
		want    string
	}{
		"allowed_origin": {[]string{"https://app.example"}, "https://app.example"},
		"any_origin":     {[]string{"*"}, "*"},
		"another_origin": {[]string{"https://other.example"}, ""},
		"no_origin":      {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newAPI(func(o *handler.Options) { o.CORSAllowedOrigins, o.CORSGeminiOrigins = tt.origins, tt.origins })
			got := call(t, api, preflight())
			if allowed := got.header.Get("Access-Control-Allow-Origin"); allowed != tt.want {
				t.Errorf("preflight: allowed %q, want %q", allowed, tt.want)
			}
			if tt.want != "" && (got.status != http.StatusOK || got.header.Get("Access-Control-Allow-Methods") != "POST") {
				t.Errorf("preflight: got %d %v, want 200 with Access-Control-Allow-Methods: POST", got.status, got.header)
			}

			r := post("/gemini", `{"prompt":`) // browsers must be able to read failures too
			r.Header.Set("Origin", "https://app.example")
			got = call(t, api, r)
			wantFailure(t, got, http.StatusBadRequest, "malformed")
			exposed := got.header.Get("Access-Control-Expose-Headers")
			if allowed := got.header.Get("Access-Control-Allow-Origin"); allowed != tt.want || tt.want != "" && !strings.Contains(exposed, "Aisha-Model") {
				t.Errorf("request: allowed %q and exposed %q, want %q and Aisha-Model", allowed, exposed, tt.want)
			}
		})
	}
}

func TestMiddleware_CORSRoutes(t *testing.T) {
	t.Parallel()
	explicit := func(o *handler.Options) {
		o.CORSAllowedOrigins, o.CORSGeminiOrigins = []string{"https://app.example"}, []string{"https://app.example"}
	}
	for name, tt := range map[string]struct {
		options func(*handler.Options)
		path    string
		allowed bool
	}{
		"sign_up":                 {explicit, "/waiting-list/", true},
		"gemini":                  {explicit, "/gemini", true},
		"unknown_path":            {explicit, "/nowhere", true}, // the page can read the 404
		"operator":                {explicit, "/operator/unhandled-items", false},
		"operator_root":           {explicit, "/operator", false},
		"webhook":                 {explicit, "/webhook/whatsapp", false},
		"webhook_with_end_slash":  {explicit, "/webhook/whatsapp/", false},
		"metrics":                 {explicit, "/metrics", false},
		"dev_root":                {allowPublicRoutes, "/", true},
		"dev_sign_up":             {allowPublicRoutes, "/waiting-list", true},
		"dev_sign_up_status":      {allowPublicRoutes, "/waiting-list/status/x", true},
		"dev_documentation":       {allowPublicRoutes, "/docs/swagger-ui.css", true},
		"dev_description":         {allowPublicRoutes, "/openapi.json", true},
		"dev_probe":               {allowPublicRoutes, "/readyz", true},
		"dev_gemini":              {allowPublicRoutes, "/gemini", false},
		"dev_route_below_gemini":  {allowPublicRoutes, "/gemini/requests/1", false},
		"dev_operator":            {allowPublicRoutes, "/operator/unhandled-items", false},
		"dev_encoded_operator":    {allowPublicRoutes, "/%6fperator/kept-items", false},
		"dev_encoded_gemini_path": {allowPublicRoutes, "/%67emini", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newAPI(tt.options)
			for _, method := range []string{http.MethodOptions, http.MethodGet, http.MethodPost} {
				r := httptest.NewRequest(method, tt.path, nil)
				r.Header.Set("Origin", "https://app.example")
				r.Header.Set("Access-Control-Request-Method", http.MethodPost)
				got := callUnchecked(api, r)
				if allowed := got.header.Get("Access-Control-Allow-Origin"); (allowed != "") != tt.allowed {
					t.Errorf("%s %s: Access-Control-Allow-Origin is %q, want one: %t", method, tt.path, allowed, tt.allowed)
				}
			}
		})
	}
}

// allowPublicRoutes sets the origins as "aisha dev" does by default.
func allowPublicRoutes(o *handler.Options) { o.CORSAllowedOrigins = []string{"*"} }

func TestMiddleware_CORSRejectedOriginIsLogged(t *testing.T) {
	t.Parallel()
	out, withLog := logTo(slog.LevelWarn)
	api := newAPI(withLog, allowPublicRoutes)
	for _, path := range []string{"/gemini", "/waiting-list/", "/operator/unhandled-items", "/gemini"} {
		r := httptest.NewRequest(http.MethodOptions, path, nil)
		r.Header.Set("Origin", "https://app.example")
		r.Header.Set("Access-Control-Request-Method", http.MethodPost)
		callUnchecked(api, r)
	}
	if lines := out.lines(t); len(lines) != 1 || lines[0]["origin"] != "https://app.example" {
		t.Errorf("logged %v, want one line with the origin https://app.example", lines)
	}
}

func TestMiddleware_Timeout(t *testing.T) {
	t.Parallel()
	var signUpHasDeadline, promptHasDeadline bool
	api := newAPI(func(o *handler.Options) {
		o.Waitlist = joinFunc(func(ctx context.Context, _ waitlist.SignUp) (waitlist.Added, error) {
			_, signUpHasDeadline = ctx.Deadline()
			return added(), nil
		})
		o.Gemini = askFunc(func(ctx context.Context, _ string) (gemini.Completion, error) {
			_, promptHasDeadline = ctx.Deadline()
			return gemini.Completion{}, errors.New("any")
		})
	})
	call(t, api, post("/waiting-list/", signUp))
	call(t, api, post("/gemini", `{"prompt":"x"}`))
	if !signUpHasDeadline || promptHasDeadline {
		t.Errorf("sign-up has a deadline: %t, prompt has one: %t; want true and false", signUpHasDeadline, promptHasDeadline)
	}
}

func TestMiddleware_LogLine_PartsThatAreOff(t *testing.T) {
	t.Parallel()
	off := fault.New(fault.NotConfigured, "off")
	out, withLog := logTo(slog.LevelWarn)
	api := newAPI(withLog, func(o *handler.Options) {
		o.Gemini = askFailing(off)
		o.WhatsApp = fakeWhatsApp{
			receive:   func(context.Context, string, []byte) (whatsapp.Receipt, error) { return whatsapp.Receipt{}, off },
			subscribe: func(whatsapp.Subscription) (string, error) { return "", off },
		}
	})
	for _, r := range []*http.Request{
		post("/gemini", `{"prompt":"x"}`), signed(post("/webhook/whatsapp", "{}")), get("/operator/unhandled-items"), get("/operator/unhandled-items/7"),
		get("/webhook/whatsapp?hub.mode=subscribe&hub.challenge=1&hub.verify_token=T"),
	} {
		wantFailure(t, call(t, api, r), http.StatusServiceUnavailable, "not_configured")
	}
	if lines := out.lines(t); len(lines) != 0 {
		t.Errorf("logged %v, want nothing above level INFO", lines)
	}
}

func TestMiddleware_RateLimit_InvalidSignUps(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) { o.RateSignups = ratelimit.Rate{Requests: 2, Window: time.Hour} })
	for i, tt := range []struct {
		body string
		want int
	}{
		{`{"username":"A"`, http.StatusBadRequest},
		{`{"username":1,"phone_number":"0712345678"}`, http.StatusUnprocessableEntity},
		{strings.Repeat(" ", 64<<10+1), http.StatusRequestEntityTooLarge},
		{signUp, http.StatusOK},
		{signUp, http.StatusOK},
		{signUp, http.StatusTooManyRequests},
	} {
		if got := callUndescribed(t, api, post("/waiting-list/", tt.body)); got.status != tt.want {
			t.Errorf("request %d: got %d %s, want %d", i, got.status, got.body, tt.want)
		}
	}
}

func TestMiddleware_WrongCredentials(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) {
		o.AdminToken = sensitive.NewSecret("T")
		o.APIKeys = []sensitive.Secret{sensitive.NewSecret("K")}
		service := o.WhatsApp.(fakeWhatsApp)
		service.subscribe = func(in whatsapp.Subscription) (string, error) {
			if in.VerifyToken != "V" {
				return "", fault.Wrap(whatsapp.ErrWrongVerifyToken, fault.Forbidden, "the verify token is wrong")
			}
			return in.Challenge, nil
		}
		o.WhatsApp = service
	})
	operator := func(token string) *http.Request {
		r := get("/operator/unhandled-items")
		r.Header.Set("Authorization", "Bearer "+token)
		return r
	}
	prompt := func(key string) *http.Request {
		r := post("/gemini", `{"prompt":"x"}`)
		r.Header.Set("Authorization", "Bearer "+key)
		return r
	}
	subscription := func(token string) *http.Request {
		return get("/webhook/whatsapp?hub.mode=subscribe&hub.challenge=1&hub.verify_token=" + token)
	}
	for range 54 {
		wantFailure(t, call(t, api, operator("x")), http.StatusUnauthorized, "unauthenticated")
	}
	for range 3 {
		wantFailure(t, call(t, api, prompt("x")), http.StatusUnauthorized, "unauthenticated")
		wantFailure(t, call(t, api, subscription("x")), http.StatusForbidden, "forbidden")
	}
	for _, wrong := range []*http.Request{operator("x"), prompt("x"), subscription("x")} { // 60 were wrong
		got := call(t, api, wrong)
		wantFailure(t, got, http.StatusTooManyRequests, "rate_limited")
		if got.header.Get("Retry-After") != "60" {
			t.Errorf("%s: Retry-After is %q, want 60", wrong.URL.Path, got.header.Get("Retry-After"))
		}
	}
	for _, right := range []*http.Request{operator("T"), prompt("K"), subscription("V")} {
		if got := call(t, api, right); got.status != http.StatusOK {
			t.Errorf("%s with the right credentials: got %d, want 200", right.URL.Path, got.status)
		}
	}
}

func TestNewMetrics(t *testing.T) {
	t.Parallel()
	if got := callUnchecked(newAPI(func(o *handler.Options) { o.Metrics = nil }), get("/metrics")); got.status != http.StatusNotFound {
		t.Errorf("GET /metrics of an API without metrics: got %d, want 404", got.status)
	}
	o := workingOptions()
	metrics := handler.NewMetrics(o.Metrics, o.Log)
	if got := call(t, metrics, get("/metrics")); got.status != http.StatusOK {
		t.Errorf("GET /metrics of the address for metrics: got %d, want 200", got.status)
	}
	for _, path := range []string{"/", "/waiting-list/", "/operator/unhandled-items", "/openapi.yaml"} {
		if got := callUnchecked(metrics, get(path)); got.status != http.StatusNotFound {
			t.Errorf("GET %s of the address for metrics: got %d, want 404", path, got.status)
		}
	}
}

// While the service starts, only the routes that need the tables respond 503, and a
// browser can read that.
func TestMiddleware_Starting(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) {
		o.Started = func() bool { return false }
		o.CORSAllowedOrigins = []string{"*"}
		o.AdminToken = sensitive.NewSecret("T")
	})
	signingUp := post("/waiting-list/", signUp)
	signingUp.Header.Set("Origin", "https://a.example")
	got := call(t, api, signingUp)
	wantFailure(t, got, http.StatusServiceUnavailable, "unavailable")
	if got.header.Get("Retry-After") == "" || got.header.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("got the headers %v, want Retry-After and Access-Control-Allow-Origin", got.header)
	}
	wantFailure(t, call(t, api, signed(post("/webhook/whatsapp", "{}"))), http.StatusServiceUnavailable, "unavailable")
	list := get("/operator/unhandled-items")
	list.Header.Set("Authorization", "Bearer T")
	wantFailure(t, call(t, api, list), http.StatusServiceUnavailable, "unavailable")
	if got := call(t, api, get("/healthz")); got.status != http.StatusOK {
		t.Errorf("GET /healthz: got %d, want 200", got.status)
	}
}
