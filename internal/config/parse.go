package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"aisha/internal/sensitive"
)

const (
	maxPort = 65535
	// shortestResend leaves a send that is merely slow the time to end.
	shortestResend = 10 * time.Second
	// shortestRetention of messages is over the seven days for which Meta tries
	// to deliver a webhook: a message that is told once more after it was
	// deleted would be taken for a new one and be answered again.
	shortestRetention = 8 * 24 * time.Hour
	longestRetention  = 10 * 365 * 24 * time.Hour
)

// parser turns texts into settings and collects everything that is wrong.
type parser struct{ problems Problems }

func (p *parser) reject(name, message string) {
	p.problems = append(p.problems, Problem{Name: name, Message: message})
}

func (p *parser) require(s setting, why string) {
	if !s.given {
		p.reject(s.name, "must be set: "+why)
	}
}

func (p *parser) number(s setting, lowest, highest int) int {
	n, err := strconv.Atoi(s.value)
	if err != nil || n < lowest || n > highest {
		p.reject(s.name, fmt.Sprintf("must be a whole number from %d to %d", lowest, highest))
	}
	return n
}

func (p *parser) duration(s setting, lowest, highest time.Duration) time.Duration {
	d, err := time.ParseDuration(s.value)
	if err != nil || d < lowest || d > highest {
		p.reject(s.name, fmt.Sprintf("must be a duration with its unit, such as 1500ms, 30s or 2m, from %v to %v", lowest, highest))
	}
	return d
}

// retention is how long something is kept; 0 is for ever.
func (p *parser) retention(s setting, shortest time.Duration) time.Duration {
	d, err := time.ParseDuration(s.value)
	if err != nil || d != 0 && (d < shortest || d > longestRetention) {
		p.reject(s.name, fmt.Sprintf("must be a duration in hours such as 2160h, from %.0fh to %.0fh, or 0 for ever",
			shortest.Hours(), longestRetention.Hours()))
	}
	return d
}

func (p *parser) match(s setting, pattern, problem string) string {
	if !regexp.MustCompile(pattern).MatchString(s.value) {
		p.reject(s.name, problem)
	}
	return s.value
}

// model is the name of a model, which becomes part of a URL's path.
func (p *parser) model(s setting) string {
	return p.match(s, `^(models/)?[A-Za-z0-9._-]*$`, "must be the name of a model such as gemini-3.5-flash-lite")
}

func (p *parser) instructions(s setting) string {
	if s.value == "" {
		return strings.TrimSpace(builtInInstructions)
	}
	return s.value
}

// secret may hold anything but control characters: a line break within one
// means that it was pasted together with something else, and would be refused
// in a header much later.
func (p *parser) secret(s setting) sensitive.Secret {
	if strings.ContainsFunc(s.value, unicode.IsControl) {
		p.reject(s.name, "must be one line without control characters")
	}
	return sensitive.NewSecret(s.value)
}

// secrets are separated by commas, or stand on lines of their own in a file.
func (p *parser) secrets(s setting) []sensitive.Secret {
	var all []sensitive.Secret
	for _, value := range list(strings.ReplaceAll(s.value, "\n", ",")) {
		all = append(all, p.secret(setting{name: s.name, value: value}))
	}
	return all
}

// database tells a connection string from garbage and leaves the rest to the
// driver, which knows forms that no URL parser reads: several hosts and ports,
// keywords and values.
func (p *parser) database(s setting) sensitive.Secret {
	if s.value != "" && !regexp.MustCompile(`^(postgres(ql)?://.|\w+\s*=)`).MatchString(s.value) {
		p.reject(s.name, "must be a PostgreSQL connection string such as postgres://user:password@localhost:5432/aisha")
	}
	return p.secret(s)
}

// url is the address of another API, without the slash at its end.
func (p *parser) url(s setting) string {
	if s.value == "" {
		return ""
	}
	u, err := url.Parse(s.value)
	if err != nil || !isHTTP(u) || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		p.reject(s.name, "must be a URL such as https://example.com, without a user, a query or a fragment")
	}
	return strings.TrimRight(s.value, "/")
}

// origins are what browsers send as Origin: a scheme and a host, no path.
func (p *parser) origins(s setting) []string {
	origins := list(s.value)
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if origin != "*" && (err != nil || !isHTTP(u) || u.Scheme+"://"+u.Host != origin) {
			p.reject(s.name, "must be * or a list of origins such as https://example.com, without a path or a slash at the end")
			break
		}
	}
	return origins
}

func isHTTP(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != ""
}

// rate reads 20/m, 5/s, 100/h and 0.
func (p *parser) rate(s setting) Rate {
	if s.value == "0" {
		return Rate{}
	}
	requests, unit, _ := strings.Cut(s.value, "/")
	n, err := strconv.Atoi(requests)
	window := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	if err != nil || n < 1 || window == 0 {
		p.reject(s.name, "must be a number of requests for each second, minute or hour, such as 5/s, 20/m or 100/h, or 0 for no limit")
	}
	return Rate{Requests: n, Window: window}
}

// prefixes are CIDRs; an address alone is a network of one.
func (p *parser) prefixes(s setting) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, cidr := range list(s.value) {
		prefix, err := netip.ParsePrefix(cidr)
		if address, alone := netip.ParseAddr(cidr); alone == nil {
			prefix, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			p.reject(s.name, "must be a list of networks such as 10.0.0.0/8, 192.0.2.1 or 2001:db8::/32")
			break
		}
		prefixes = append(prefixes, prefix.Masked())
	}
	return prefixes
}

// level is the log level. DEBUG is a short way to say LOG_LEVEL=debug.
func (p *parser) level(s, debug setting) slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.value)); err != nil {
		p.reject(s.name, "must be debug, info, warn or error")
	}
	on, err := strconv.ParseBool(debug.value)
	if err != nil {
		p.reject(debug.name, "must be true or false")
	}
	if on {
		return min(level, slog.LevelDebug)
	}
	return level
}

// list is what stands between the commas, without blanks.
func list(value string) []string {
	var items []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
