package guard_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aisha/internal/handler/guard"
)

func TestCORS(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		origins []string
		want    string // Access-Control-Allow-Origin
	}{
		"no_origins":     {nil, ""},
		"allowed_origin": {[]string{"https://app.example"}, "https://app.example"},
		"other_origin":   {[]string{"https://other.example"}, ""},
		"every_origin":   {[]string{"*"}, "*"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRequest()
			r.Header.Set("Origin", "https://app.example")
			got := send(guard.CORS(tt.origins)(http.HandlerFunc(ok)), r)
			if allowed := got.Header().Get("Access-Control-Allow-Origin"); allowed != tt.want {
				t.Errorf("allowed %q, want %q", allowed, tt.want)
			}
		})
	}
}

// preflight returns the request with which a browser asks if a page of origin
// may send a POST request with these headers.
func preflight(origin, headers string) *http.Request {
	r := httptest.NewRequest(http.MethodOptions, "/path", nil)
	r.Header.Set("Origin", origin)
	r.Header.Set("Access-Control-Request-Method", http.MethodPost)
	r.Header.Set("Access-Control-Request-Headers", headers)
	return r
}

func TestCORS_RequestHeaders(t *testing.T) {
	t.Parallel()
	for _, origins := range [][]string{{"https://app.example"}, {"*"}} {
		for headers, want := range map[string]string{
			"content-type":                           "Content-Type",
			"authorization,content-type":             "Authorization, Content-Type",
			"x-requested-with, traceparent, baggage": "X-Requested-With, Traceparent, Baggage",
			"sentry-trace,x-client_id,x.version":     "Sentry-Trace, X-Client_id, X.version",
			"":                                       "",
		} {
			got := send(guard.CORS(origins)(http.HandlerFunc(ok)), preflight("https://app.example", headers))
			if allowed := got.Header().Get("Access-Control-Allow-Headers"); allowed != want || got.Header().Get("Access-Control-Allow-Origin") == "" {
				t.Errorf("origins %v, requested %q: allowed %q and origin %q, want %q and the origin allowed",
					origins, headers, allowed, got.Header().Get("Access-Control-Allow-Origin"), want)
			}
		}
	}
	got := send(guard.CORS([]string{"https://app.example"})(http.HandlerFunc(ok)), preflight("https://evil.example", "x-a"))
	if allowed := got.Header().Get("Access-Control-Allow-Headers"); allowed != "" {
		t.Errorf("another origin: allowed the headers %q, want none", allowed)
	}
}

func TestCORS_ExposedHeaders(t *testing.T) {
	t.Parallel()
	r := newRequest()
	r.Header.Set("Origin", "https://app.example")
	exposed := send(guard.CORS([]string{"*"})(http.HandlerFunc(ok)), r).Header().Get("Access-Control-Expose-Headers")
	for _, want := range []string{"X-Request-Id", "Retry-After", "Location", "Aisha-Referral-Code", "Aisha-Model", "Aisha-Response-Tokens"} {
		if !strings.Contains(exposed, want) {
			t.Errorf("exposed %q, want %s too", exposed, want)
		}
	}
}

func TestLogRejectedPreflights(t *testing.T) {
	t.Parallel()
	// logged returns the origins that were logged for the requests.
	logged := func(t *testing.T, allowed []string, requests ...*http.Request) []any {
		out := &bytes.Buffer{}
		h := guard.LogRejectedPreflights(slog.New(slog.NewJSONHandler(out, nil)))(guard.CORS(allowed)(http.HandlerFunc(ok)))
		for _, r := range requests {
			send(h, r)
		}
		var origins []any
		for _, line := range logLines(t, out) {
			if line["level"] != "WARN" || !strings.Contains(fmt.Sprint(line["msg"]), "CORS_ALLOWED_ORIGINS") {
				t.Errorf("logged %v, want a warning that names CORS_ALLOWED_ORIGINS", line)
			}
			origins = append(origins, line["origin"])
		}
		return origins
	}
	get := newRequest()
	get.Header.Set("Origin", "https://a.example")
	put := preflight("https://a.example", "")
	put.Header.Set("Access-Control-Request-Method", http.MethodPut)
	a, b := preflight("https://a.example", "x"), preflight("https://b.example", "x")
	for name, tt := range map[string]struct {
		allowed  []string
		requests []*http.Request
		want     string
	}{
		"no_origins_are_allowed":   {nil, []*http.Request{a}, "[https://a.example]"},
		"once_for_each_origin":     {nil, []*http.Request{a, b, a, b, a}, "[https://a.example https://b.example]"},
		"another_origin":           {[]string{"https://b.example"}, []*http.Request{a, b}, "[https://a.example]"},
		"allowed_origin":           {[]string{"*"}, []*http.Request{a, b}, "[]"},
		"not_a_preflight":          {nil, []*http.Request{get, newRequest()}, "[]"},
		"method_that_has_no_route": {[]string{"*"}, []*http.Request{put}, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fmt.Sprint(logged(t, tt.allowed, tt.requests...)); got != tt.want {
				t.Errorf("logged the origins %v, want %v", got, tt.want)
			}
		})
	}
	t.Run("bounded", func(t *testing.T) {
		t.Parallel()
		var requests []*http.Request
		for i := range 1000 {
			requests = append(requests, preflight(fmt.Sprintf("https://%d.example/%s", i, strings.Repeat("x", 5000)), ""))
		}
		got := logged(t, nil, requests...)
		if len(got) != 100 || len(fmt.Sprint(got[0])) != 200 {
			t.Errorf("logged %d origins, the first with %d bytes; want 100 and 200", len(got), len(fmt.Sprint(got[0])))
		}
	})
}
