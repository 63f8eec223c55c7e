package handler_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"aisha/internal/handler"
	"aisha/internal/sensitive"
)

func TestKeysGuardGeminiAlone(t *testing.T) {
	t.Parallel()
	withKeys := func(o *handler.Options) {
		o.APIKeys = []sensitive.Secret{sensitive.NewSecret("first-key"), sensitive.NewSecret("second-key")}
	}
	api := newAPI(withKeys)
	for header, want := range map[string]int{
		"Bearer first-key":            200,
		"bearer second-key":           200,
		"Bearer  first-key ":          200,
		"":                            401,
		"Bearer":                      401,
		"Bearer ":                     401,
		"Bearer first-ke":             401,
		"Bearer first-keyy":           401,
		"Bearer FIRST-KEY":            401,
		"Bearer first-key,second-key": 401,
		"Basic first-key":             401,
		"first-key":                   401,
	} {
		r := post("/gemini", `{"prompt":"x"}`)
		r.Header.Set("Authorization", header)
		got := call(t, api, r)
		if got.status != want {
			t.Errorf("%q: got %d, want %d", header, got.status, want)
		}
		if want == http.StatusUnauthorized {
			wantFailure(t, got, want, "unauthenticated")
			if !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer") || strings.Contains(got.body, "first") {
				t.Errorf("%q: got %v %s", header, got.header, got.body)
			}
		}
	}
	if got := call(t, api, post("/waiting-list/", signUp)); got.status != http.StatusOK {
		t.Errorf("signing up needs no key, got %d", got.status)
	}
}

func TestRateLimitCountsEachAddressAndRouteAlone(t *testing.T) {
	t.Parallel()
	api := newAPI(func(o *handler.Options) {
		o.RateSignups = handler.Rate{Requests: 2, Window: time.Hour}
		o.RateGemini = handler.Rate{Requests: 1, Window: time.Hour}
	})
	from := func(address, path string) int {
		r := post(path, map[bool]string{true: `{"prompt":"x"}`, false: signUp}[path == "/gemini"])
		r.RemoteAddr = address
		got := call(t, api, r)
		if got.status == http.StatusTooManyRequests {
			wantFailure(t, got, http.StatusTooManyRequests, "rate_limited")
			if got.header.Get("Retry-After") != "3600" {
				t.Errorf("Retry-After is %q", got.header.Get("Retry-After"))
			}
		}
		return got.status
	}
	for i, tt := range []struct {
		address, path string
		want          int
	}{
		{"192.0.2.1:1000", "/waiting-list/", 200},
		{"192.0.2.1:1001", "/waiting-list", 200}, // the same route
		{"192.0.2.1:1002", "/waiting-list/", 429},
		{"192.0.2.1:1003", "/gemini", 200},
		{"192.0.2.1:1004", "/gemini", 429},
		{"192.0.2.2:1000", "/waiting-list/", 200},
		{"[2001:db8:0:1::1]:1000", "/gemini", 200},
		{"[2001:db8:0:1:ffff::2]:1000", "/gemini", 429}, // the same /64
		{"[2001:db8:0:2::1]:1000", "/gemini", 200},
	} {
		if got := from(tt.address, tt.path); got != tt.want {
			t.Errorf("request %d: got %d, want %d", i, got, tt.want)
		}
	}
}

func TestRateZeroIsOff(t *testing.T) {
	t.Parallel()
	api := newAPI()
	for range 50 {
		if got := call(t, api, post("/waiting-list/", signUp)); got.status != http.StatusOK {
			t.Fatalf("got %d", got.status)
		}
	}
}

func TestForwardedAddressCountsOnlyFromTrustedProxies(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		trusted []netip.Prefix
		remote  string
		headers []string // X-Forwarded-For of two requests
		second  int      // the second's status
	}{
		"no trusted proxies: a made-up address wins nothing": {
			nil, "192.0.2.1:1", []string{"198.51.100.1", "198.51.100.2"}, 429,
		},
		"a trusted proxy tells two callers apart": {
			[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "10.1.1.1:1", []string{"198.51.100.1", "198.51.100.2"}, 200,
		},
		"what the caller put before it counts nothing": {
			[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "10.1.1.1:1", []string{"1.1.1.1, 198.51.100.1", "2.2.2.2, 198.51.100.1"}, 429,
		},
		"who goes round the proxy is taken for who they are": {
			[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "192.0.2.1:1", []string{"198.51.100.1", "198.51.100.2"}, 429,
		},
		"rubbish shares one limit": {
			[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "10.1.1.1:1", []string{"rubbish", "198.51.100.1:80"}, 429,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newAPI(func(o *handler.Options) {
				o.RateSignups = handler.Rate{Requests: 1, Window: time.Hour}
				o.TrustedProxies = tt.trusted
			})
			statuses := []int{}
			for _, header := range tt.headers {
				r := post("/waiting-list/", signUp)
				r.RemoteAddr = tt.remote
				r.Header.Set("X-Forwarded-For", header)
				statuses = append(statuses, call(t, api, r).status)
			}
			if statuses[0] != http.StatusOK || statuses[1] != tt.second {
				t.Errorf("got %v, want 200 and %d", statuses, tt.second)
			}
		})
	}
}

func TestCORS(t *testing.T) {
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
		"an allowed origin": {[]string{"https://app.example"}, "https://app.example"},
		"any origin":        {[]string{"*"}, "*"},
		"another origin":    {[]string{"https://other.example"}, ""},
		"none":              {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newAPI(func(o *handler.Options) { o.CORSAllowedOrigins = tt.origins })
			got := call(t, api, preflight())
			if allowed := got.header.Get("Access-Control-Allow-Origin"); allowed != tt.want {
				t.Errorf("preflight: allowed %q, want %q", allowed, tt.want)
			}
			if tt.want != "" && (got.status != http.StatusOK || got.header.Get("Access-Control-Allow-Methods") != "POST") {
				t.Errorf("preflight: %d %v", got.status, got.header)
			}

			r := post("/gemini", `{"prompt":`) // failures must be readable too
			r.Header.Set("Origin", "https://app.example")
			got = call(t, api, r)
			wantFailure(t, got, http.StatusBadRequest, "malformed")
			exposed := got.header.Get("Access-Control-Expose-Headers")
			if allowed := got.header.Get("Access-Control-Allow-Origin"); allowed != tt.want || tt.want != "" && !strings.Contains(exposed, "Aisha-Model") {
				t.Errorf("request: allowed %q, exposed %q", allowed, exposed)
			}
		})
	}
}
