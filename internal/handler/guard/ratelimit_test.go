package guard_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"aisha/internal/handler/guard"
	"aisha/internal/ratelimit"
)

func TestRateLimit_IPv6Networks(t *testing.T) {
	t.Parallel()
	h := guard.RateLimit(limitOf(ratelimit.Rate{Requests: 2, Window: time.Hour}))(http.HandlerFunc(ok))
	statusOf := func(address string) int {
		r := newRequest()
		r.RemoteAddr = address
		return send(h, r).Code
	}
	for i, tt := range []struct {
		address string
		want    int
	}{
		{"[2001:db8:0:1::1]:1", 200},
		{"[2001:db8:0:1:ffff::2]:1", 200},
		{"[2001:db8:0:1::3]:1", 429}, // the third of the /64
		{"[::ffff:192.0.2.1]:1", 200},
		{"192.0.2.1:1", 200},
		{"192.0.2.1:1", 429}, // an IPv4 address in both forms
		{"@", 200},           // a connection without an address
	} {
		if got := statusOf(tt.address); got != tt.want {
			t.Errorf("request %d from %s: got %d, want %d", i, tt.address, got, tt.want)
		}
	}
	accepted := 0
	for i := range 60 {
		if statusOf(fmt.Sprintf("[2001:db8:1:%x::1]:1", i)) == http.StatusOK {
			accepted++
		}
	}
	if accepted != 20 {
		t.Errorf("a /48 with 60 networks got %d requests accepted, want 20", accepted)
	}
	if got := statusOf("[2001:db8:2:1::1]:1"); got != http.StatusOK {
		t.Errorf("another /48: got %d, want 200", got)
	}
}

func TestRateLimitValid(t *testing.T) {
	t.Parallel()
	type step struct{ answer, want int } // status of the handler, and of the response
	for name, tt := range map[string]struct{ steps []step }{
		"valid_requests_count":     {[]step{{200, 200}, {200, 200}, {200, 429}}},
		"failures_of_ours_count":   {[]step{{500, 500}, {503, 503}, {200, 429}}},
		"invalid_ones_do_not":      {[]step{{422, 422}, {400, 400}, {200, 200}, {200, 200}, {200, 429}}},
		"invalid_ones_are_limited": {[]step{{422, 422}, {413, 413}, {415, 415}, {400, 429}, {200, 429}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var answer int
			h := guard.RateLimitValid(limitOf(ratelimit.Rate{Requests: 2, Window: time.Minute}), limitOf(ratelimit.Rate{Requests: 3, Window: time.Minute}))(
				http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(answer) }))
			for i, s := range tt.steps {
				answer = s.answer
				if got := send(h, newRequest()); got.Code != s.want {
					t.Errorf("request %d: got %d, want %d", i, got.Code, s.want)
				}
			}
		})
	}
}

func TestRateLimit_Zero(t *testing.T) {
	t.Parallel()
	h := guard.RateLimit(noLimit())(http.HandlerFunc(ok))
	for i := range 50 {
		if got := send(h, newRequest()); got.Code != http.StatusOK {
			t.Fatalf("request %d: got %d, want 200", i, got.Code)
		}
	}
}

func TestRateLimit_Failure(t *testing.T) {
	t.Parallel()
	h := guard.RateLimit(limitOf(ratelimit.Rate{Requests: 1, Window: 90 * time.Second}))(http.HandlerFunc(ok))
	send(h, newRequest())
	got := send(h, newRequest())
	wantFailure(t, got, http.StatusTooManyRequests, "rate_limited")
	if retryAfter := got.Header().Get("Retry-After"); retryAfter != "90" {
		t.Errorf("Retry-After is %q, want 90", retryAfter)
	}
}
