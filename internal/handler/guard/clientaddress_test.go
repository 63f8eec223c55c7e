package guard_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"aisha/internal/handler/guard"
	"aisha/internal/ratelimit"
)

// forwarded returns a request through a proxy that sent the headers.
func forwarded(remote string, headers ...string) *http.Request {
	r := newRequest()
	r.RemoteAddr = remote
	r.Header["X-Forwarded-For"] = headers
	return r
}

// behindProxies returns a handler that allows each address one request an hour
// and trusts the proxies 10.0.0.0/8 and 2001:db8:ffff::/48.
func behindProxies(log *slog.Logger) http.Handler {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48")}
	limit := guard.NewAddressLimit(guard.NewClientAddresses(proxies, log), ratelimit.Rate{Requests: 1, Window: time.Hour})
	return guard.RateLimit(limit)(http.HandlerFunc(ok))
}

// Every form of an address counts as the same address, and another address does
// not.
func TestClientAddresses_FormsOfAnEntry(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		form, same, other string
	}{
		{"41.90.65.1:17001", "41.90.65.1", "41.90.65.2:17001"}, // Azure's gateways send the port
		{"41.90.65.1:17001", "41.90.65.1:17002", "41.90.65.10:17001"},
		{" 41.90.65.1 ", "41.90.65.1", "41.90.65.3"},
		{`"41.90.65.1:443"`, "41.90.65.1", `"41.90.65.2:443"`},
		{"::ffff:41.90.65.1", "41.90.65.1", "::ffff:41.90.65.2"},
		{"[::ffff:41.90.65.1]:80", "41.90.65.1", "[::ffff:41.90.65.2]:80"},
		{"[2001:db8::1]", "2001:db8::1", "[2001:db8:0:1::1]"},
		{"[2001:db8::1]:8080", "2001:db8::1", "[2001:db8:0:1::1]:8080"},
		{`"[2001:db8::1]:8080"`, "2001:db8::2", `"[2001:db8:0:1::1]:8080"`}, // the same /64
		{"2001:db8:0:0:0:0:0:1:8080", "2001:db8::1", "2001:db8:0:1:0:0:0:1:8080"},
		{"fe80::1%eth0", "fe80::1", "fe80:0:0:1::1%eth0"},
	} {
		h := behindProxies(slog.New(slog.DiscardHandler))
		for i, step := range []struct {
			entry string
			want  int
		}{{tt.form, http.StatusOK}, {tt.same, http.StatusTooManyRequests}, {tt.other, http.StatusOK}} {
			if got := send(h, forwarded("10.1.1.1:1", step.entry)); got.Code != step.want {
				t.Errorf("%q, request %d with %q: got %d, want %d", tt.form, i, step.entry, got.Code, step.want)
			}
		}
	}
}

func TestClientAddresses_Chains(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		remote        string
		first, second []string
		want          int // of the second request
	}{
		"client_cannot_choose_its_entry":         {"10.1.1.1:1", []string{"1.1.1.1, 198.51.100.1:5"}, []string{"2.2.2.2, 198.51.100.1:6"}, 429},
		"two_headers":                            {"10.1.1.1:1", []string{"1.1.1.1", "198.51.100.1"}, []string{"2.2.2.2", "198.51.100.1"}, 429},
		"two_proxies":                            {"10.1.1.1:1", []string{"198.51.100.1:5, 10.2.2.2:6"}, []string{"198.51.100.2:5, 10.2.2.2:6"}, 200},
		"two_proxies_same_client":                {"10.1.1.1:1", []string{"198.51.100.1:5, 10.2.2.2:6"}, []string{"198.51.100.1:7, 10.3.3.3:8"}, 429},
		"proxy_with_ipv6":                        {"[2001:db8:ffff::1]:1", []string{"198.51.100.1"}, []string{"198.51.100.2"}, 200},
		"proxy_mapped_to_ipv6":                   {"[::ffff:10.1.1.1]:1", []string{"198.51.100.1"}, []string{"198.51.100.2"}, 200},
		"proxy_mapped_in_an_entry":               {"10.1.1.1:1", []string{"198.51.100.1, ::ffff:10.2.2.2"}, []string{"198.51.100.2, ::ffff:10.2.2.2"}, 200},
		"client_that_bypasses_the_proxy":         {"192.0.2.1:1", []string{"198.51.100.1:1"}, []string{"198.51.100.2:1"}, 429},
		"entries_before_an_unreadable_one":       {"10.1.1.1:1", []string{"1.1.1.1, unknown, 198.51.100.1"}, []string{"2.2.2.2, unknown, 198.51.100.1"}, 429},
		"empty_entries":                          {"10.1.1.1:1", []string{"1.1.1.1, , 198.51.100.1,"}, []string{"2.2.2.2,,198.51.100.1"}, 429},
		"only_proxies":                           {"10.1.1.1:1", []string{"10.9.9.1"}, []string{"10.9.9.2"}, 200},
		"unreadable_entries_do_not_limit_others": {"10.1.1.1:1", []string{"unknown"}, []string{"198.51.100.2"}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := behindProxies(slog.New(slog.DiscardHandler))
			if got := send(h, forwarded(tt.remote, tt.first...)); got.Code != http.StatusOK {
				t.Errorf("first request: got %d, want 200", got.Code)
			}
			if got := send(h, forwarded(tt.remote, tt.second...)); got.Code != tt.want {
				t.Errorf("second request: got %d, want %d", got.Code, tt.want)
			}
		})
	}
}

// Clients that their proxy does not name share ten times the limit of an address,
// however they fill the rest of the header.
func TestClientAddresses_UnreadableEntry(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{"", "unknown", "_hidden", "41.90.65.1:x", "41.90.65", "client-%d", "256.1.1.%d", "for=41.90.65.1"} {
		h := behindProxies(slog.New(slog.DiscardHandler))
		for i := range 11 {
			want := http.StatusOK
			if i == 10 {
				want = http.StatusTooManyRequests
			}
			header := fmt.Sprintf("198.51.100.%d, %s", i, strings.ReplaceAll(entry, "%d", fmt.Sprint(i)))
			if entry == "" {
				header = ""
			}
			if got := send(h, forwarded("10.1.1.1:1", header)); got.Code != want {
				t.Errorf("%q, request %d: got %d, want %d", entry, i, got.Code, want)
			}
		}
		if got := send(h, forwarded("10.1.1.2:1", "unknown")); got.Code != http.StatusOK {
			t.Errorf("%q: another proxy got %d, want 200", entry, got.Code)
		}
	}
}

func TestClientAddresses_LogsUnreadableEntryOnce(t *testing.T) {
	t.Parallel()
	out := &bytes.Buffer{}
	h := behindProxies(slog.New(slog.NewJSONHandler(out, nil)))
	for range 3 {
		send(h, forwarded("10.1.1.1:1", "41.90.65.1:Port 17\x00é"))
	}
	lines := logLines(t, out)
	if len(lines) != 1 || lines[0]["level"] != "WARN" || lines[0]["form"] != "00.00.00.0:xxxx 00?x" {
		t.Errorf("logged %v, want one warning with the form of the entry and none of its characters", lines)
	}
}
