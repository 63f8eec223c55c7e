package guard_test

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"aisha/internal/handler/guard"
)

func TestRateLimit_ForwardedAddresses(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, tt := range map[string]struct {
		trusted []netip.Prefix
		remote  string
		headers []string // X-Forwarded-For of two requests
		second  int      // status of the second one
	}{
		"header_is_ignored_without_trusted_proxies": {nil, "192.0.2.1:1", []string{"198.51.100.1", "198.51.100.2"}, 429},
		"trusted_proxy_separates_clients":           {proxies, "10.1.1.1:1", []string{"198.51.100.1", "198.51.100.2"}, 200},
		"entries_of_the_client_are_ignored":         {proxies, "10.1.1.1:1", []string{"1.1.1.1, 198.51.100.1", "2.2.2.2, 198.51.100.1"}, 429},
		"client_that_bypasses_the_proxy":            {proxies, "192.0.2.1:1", []string{"198.51.100.1", "198.51.100.2"}, 429},
		"invalid_addresses_share_one_limit":         {proxies, "10.1.1.1:1", []string{"rubbish", "198.51.100.1:80"}, 429},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := guard.RateLimit(guard.Rate{Requests: 1, Window: time.Hour}, tt.trusted)(http.HandlerFunc(ok))
			statuses := []int{}
			for _, header := range tt.headers {
				r := newRequest()
				r.RemoteAddr = tt.remote
				r.Header.Set("X-Forwarded-For", header)
				statuses = append(statuses, send(h, r).Code)
			}
			if statuses[0] != http.StatusOK || statuses[1] != tt.second {
				t.Errorf("got %v, want 200 and %d", statuses, tt.second)
			}
		})
	}
}

func TestRateLimit_Zero(t *testing.T) {
	t.Parallel()
	h := guard.RateLimit(guard.Rate{}, nil)(http.HandlerFunc(ok))
	for i := range 50 {
		if got := send(h, newRequest()); got.Code != http.StatusOK {
			t.Fatalf("request %d: got %d, want 200", i, got.Code)
		}
	}
}

func TestRateLimit_Failure(t *testing.T) {
	t.Parallel()
	h := guard.RateLimit(guard.Rate{Requests: 1, Window: 90 * time.Second}, nil)(http.HandlerFunc(ok))
	send(h, newRequest())
	got := send(h, newRequest())
	wantFailure(t, got, http.StatusTooManyRequests, "rate_limited")
	if retryAfter := got.Header().Get("Retry-After"); retryAfter != "90" {
		t.Errorf("Retry-After is %q, want 90", retryAfter)
	}
}
