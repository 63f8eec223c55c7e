package guard

import (
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// ClientAddresses finds the addresses of clients, also behind trusted proxies.
type ClientAddresses struct {
	trustedProxies []netip.Prefix
	log            *slog.Logger
	logUnreadable  sync.Once
}

// NewClientAddresses returns a ClientAddresses that uses those entries of
// X-Forwarded-For that a trusted proxy wrote.
func NewClientAddresses(trustedProxies []netip.Prefix, log *slog.Logger) *ClientAddresses {
	return &ClientAddresses{trustedProxies: trustedProxies, log: log}
}

// client is the sender of a request, as far as it is known.
type client struct {
	address netip.Addr // invalid if the connection has none
	// isProxy is true if the address is that of a trusted proxy that did not
	// name its client, so that many clients have this address.
	isProxy bool
}

// of returns the client of a request. Every proxy adds the address that it
// received the request from at the end of X-Forwarded-For. So the client is the
// last address that is not a trusted proxy; it could have sent everything before
// that itself.
//
// If a proxy wrote an entry that cannot be read, only the proxy is known. An
// entry before it would let the client choose its address, and the text of the
// entry itself may differ between requests of one client.
func (c *ClientAddresses) of(r *http.Request) client {
	remote, _ := netip.ParseAddrPort(r.RemoteAddr)
	hop := client{address: normalize(remote.Addr()), isProxy: true}
	if !c.isTrusted(hop.address) {
		return client{address: hop.address}
	}
	entries := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, entry := range slices.Backward(entries) {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		address, ok := parseForwarded(entry)
		if !ok {
			c.warn(entry)
			hop.isProxy = true
			return hop
		}
		hop = client{address: address}
		if !c.isTrusted(address) {
			return hop
		}
	}
	return hop
}

func (c *ClientAddresses) isTrusted(address netip.Addr) bool {
	return slices.ContainsFunc(c.trustedProxies, func(p netip.Prefix) bool { return p.Contains(address) })
}

// warn logs the form of the first entry that cannot be read. Digits and letters
// are replaced, because they may belong to an address.
func (c *ClientAddresses) warn(entry string) {
	const maxLength = 60
	c.logUnreadable.Do(func() {
		form := strings.Map(maskRune, entry[:min(len(entry), maxLength)])
		c.log.Warn("an entry of X-Forwarded-For is not an address; its clients share the rate limit of their proxy", slog.String("form", form))
	})
}

func maskRune(r rune) rune {
	switch {
	case unicode.IsDigit(r):
		return '0'
	case unicode.IsLetter(r):
		return 'x'
	case r > unicode.MaxASCII || !unicode.IsPrint(r):
		return '?'
	default:
		return r
	}
}

// parseForwarded parses an entry of X-Forwarded-For in the forms that proxies
// write: an address, an IPv6 address in brackets, each of them with or without a
// port and in quotation marks.
func parseForwarded(entry string) (netip.Addr, bool) {
	entry = strings.TrimSpace(strings.Trim(entry, `"`))
	if address, err := netip.ParseAddr(entry); err == nil {
		return normalize(address), true
	}
	if colon := strings.LastIndexByte(entry, ':'); colon >= 0 && isNumber(entry[colon+1:]) {
		entry = entry[:colon]
	}
	if inner, found := strings.CutPrefix(entry, "["); found {
		entry = strings.TrimSuffix(inner, "]")
	}
	address, err := netip.ParseAddr(entry)
	return normalize(address), err == nil
}

func isNumber(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// normalize returns the same address for all forms of one: an IPv4 address that
// is mapped to IPv6 becomes an IPv4 address, and an IPv6 zone is removed.
func normalize(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }
