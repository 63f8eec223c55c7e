package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

const (
	maxPort     = 65535
	maxReferral = 1_000_000
	// minResendAfter gives a slow call of the Graph API time to finish before its
	// message is sent again.
	minResendAfter = 10 * time.Second
	// minRetainMessages is a day longer than Meta retries a webhook. A message that
	// arrived again after its deletion would count as a new one and be answered
	// twice. It may be shorter than whatsapp.ChangePeriod: a change of a deleted
	// message is dropped.
	minRetainMessages = webhook.RetryPeriod + 24*time.Hour
	minRetainWebhooks = time.Hour
	maxRetain         = 10 * 365 * 24 * time.Hour
)

// parser converts the text of settings and collects all problems and warnings. Its
// methods report a problem and return some value instead of an error.
type parser struct {
	problems Problems
	warnings []string
	misspelt map[string]string // names in the environment, and the names of ours that they resemble
}

func (p *parser) warn(text string) { p.warnings = append(p.warnings, text) }

func (p *parser) reject(name, message string) {
	p.problems = append(p.problems, Problem{Name: name, Message: message})
}

// require reports a variable that is not set. It says nothing where .env cannot be
// read, because the file may set it.
func (p *parser) require(s setting, why string) {
	unreadable := slices.ContainsFunc(p.problems, func(problem Problem) bool { return problem.Name == dotEnvFile })
	if !s.isSet && !unreadable {
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

// retention parses a duration from lowest to maxRetain, or 0 for forever.
func (p *parser) retention(s setting, lowest time.Duration) time.Duration {
	d, err := time.ParseDuration(s.value)
	if err != nil || d != 0 && (d < lowest || d > maxRetain) {
		p.reject(s.name, fmt.Sprintf("must be a duration in hours such as 2160h, from %.0fh to %.0fh, or 0 for ever",
			lowest.Hours(), maxRetain.Hours()))
	}
	return d
}

func (p *parser) match(s setting, pattern, problem string) string {
	if !regexp.MustCompile(pattern).MatchString(s.value) {
		p.reject(s.name, problem)
	}
	return s.value
}

// model parses the name of a model. The name becomes part of a URL path, so
// only safe characters are valid.
func (p *parser) model(s setting) string {
	return p.match(s, `^(models/)?[A-Za-z0-9._-]*$`, "must be the name of a model such as gemini-3.5-flash-lite")
}

func (p *parser) instructions(s setting) string {
	if s.value == "" {
		return strings.TrimSpace(defaultInstructions)
	}
	return s.value
}

// secret parses a secret, which must not contain control characters or invisible
// ones, nor be the * that means all in other variables. A line break means that
// other text was pasted with it, and net/http would reject the header only when the
// secret is first used.
func (p *parser) secret(s setting) sensitive.Secret {
	if strings.ContainsFunc(s.value, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }) {
		p.reject(s.name, "must be one line without control or invisible characters")
	}
	if s.value == "*" {
		p.reject(s.name, "must not be *, which is not a wildcard here; leave it blank to have none")
	}
	return sensitive.NewSecret(s.value)
}

// secrets parses secrets that are separated by commas or line breaks.
func (p *parser) secrets(s setting) []sensitive.Secret {
	s.value = strings.ReplaceAll(s.value, "\n", ",")
	var all []sensitive.Secret
	for _, value := range p.list(s) {
		all = append(all, p.secret(setting{name: s.name, value: value}))
	}
	return all
}

// url parses the base URL of an API and trims the slash at its end.
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

// page parses the URL of a web page. It may have a query and a fragment.
func (p *parser) page(s setting) string {
	if s.value == "" {
		return ""
	}
	u, err := url.Parse(s.value)
	if err != nil || !isHTTP(u) || u.User != nil {
		p.reject(s.name, "must be the URL of a page such as https://example.com/thanks, without a user")
		return ""
	}
	return u.String()
}

// origins parses a list of origins as browsers send them in the Origin header,
// which is a scheme and a host without a path, or * for all.
func (p *parser) origins(s setting) []string {
	origins := p.list(s)
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

// rate parses a rate such as 5/s, 20/m or 100/h. 0 means no limit.
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

// ratePerNumber parses the limit of sign-ups for one phone number. An operator who
// turned off the limit for addresses does not expect another one by default.
func (p *parser) ratePerNumber(env environment) Rate {
	rate := p.rate(env.RateLimitPerNumber)
	if env.RateLimitSignups.value == "0" && !env.RateLimitPerNumber.isSet {
		return Rate{}
	}
	return rate
}

// listenAddress parses a host and a port to listen on. An empty host means all
// interfaces.
func (p *parser) listenAddress(s setting) string {
	if s.value == "" {
		return ""
	}
	_, port, err := net.SplitHostPort(s.value)
	if n, portErr := strconv.Atoi(port); err != nil || portErr != nil || n < 0 || n > maxPort {
		p.reject(s.name, "must be a host and a port such as 127.0.0.1:9090, or only a port such as :9090")
	}
	return s.value
}

// prefixes parses a list of CIDR networks. An address without a prefix length
// is a network of one address.
func (p *parser) prefixes(s setting) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, cidr := range p.list(s) {
		prefix, err := netip.ParsePrefix(cidr)
		if address, addressErr := netip.ParseAddr(cidr); addressErr == nil {
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

// level parses LOG_LEVEL. DEBUG=true is short for LOG_LEVEL=debug.
func (p *parser) level(s, debug setting) slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.value)); err != nil {
		p.reject(s.name, "must be debug, info, warn or error")
	}
	if p.boolean(debug) {
		return min(level, slog.LevelDebug)
	}
	return level
}

func (p *parser) boolean(s setting) bool {
	value, err := strconv.ParseBool(s.value)
	if err != nil {
		p.reject(s.name, "must be true or false")
	}
	return value
}

// list splits a value at its commas, trims the items, removes quotes around them
// and drops empty ones. A value with no item at all is a problem: an operator who
// sets API_KEYS to "," does not mean that no key is needed.
func (p *parser) list(s setting) []string {
	var items []string
	for item := range strings.SplitSeq(s.value, ",") {
		unquoted, quoted := unquote(strings.TrimSpace(item))
		if quoted {
			p.warn(fmt.Sprintf("%s has an item in quotes: they are removed. Write the list without quotes", s.name))
		}
		if strings.ContainsFunc(unquoted, isLetterOrDigit) || unquoted == "*" {
			items = append(items, unquoted)
		} else if unquoted != "" {
			p.reject(s.name, "must not have an item without a letter or digit")
		}
	}
	if s.value != "" && len(items) == 0 {
		p.reject(s.name, "must not be a list without any item; leave it blank instead")
	}
	return items
}

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
