package graphapi

import (
	"regexp"
	"strings"
	"unicode"
)

// maxDetail bounds a text of Meta's in the log, in bytes.
const maxDetail = 500

// veil hides what must not be seen in a text of Meta's, which quotes the token
// when it is malformed, and numbers and texts when they are refused.
type veil []string

// veil hides the token and the values given.
func (c *Client) veil(values ...string) veil {
	return append(veil{c.options.Token.Reveal()}, values...)
}

// over is the text with everything hidden that is known or looks like it: the
// values themselves, what may be a phone number, and long random strings.
func (v veil) over(text string) string {
	const mask = "•••"
	for _, value := range v {
		// A shorter one tells nothing, and would hide every letter a.
		if value = strings.TrimPrefix(value, "+"); len(value) >= 4 {
			text = strings.ReplaceAll(text, value, mask)
		}
	}
	text = regexp.MustCompile(`[A-Za-z0-9_-]{32,}`).ReplaceAllString(text, mask)
	text = regexp.MustCompile(`\+?\d([ ().-]*\d){6,}`).ReplaceAllString(text, mask)
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail], "") + "…"
	}
	return text
}
