package graphapi

import (
	"regexp"
	"strings"
	"unicode"
)

// maxDetail limits a text of Meta's in the log, in bytes.
const maxDetail = 500

// redactor masks private values in Meta's texts: Meta quotes a malformed token,
// and phone numbers and texts that it refuses.
type redactor []string

// redactor returns one that masks the token and the values.
func (c *Client) redactor(values ...string) redactor {
	return append(redactor{c.options.Token.Reveal()}, values...)
}

// apply returns the text on one line of limited length. It masks the values of
// the redactor, everything that looks like a phone number, and long random
// strings, which may be tokens.
func (r redactor) apply(text string) string {
	const mask = "•••"
	for _, value := range r {
		// A shorter value identifies no one, and masking it would destroy the text.
		if value = strings.TrimPrefix(value, "+"); len(value) >= 4 {
			text = strings.ReplaceAll(text, value, mask)
		}
	}
	text = regexp.MustCompile(`[A-Za-z0-9_-]{32,}`).ReplaceAllString(text, mask)
	text = regexp.MustCompile(`\+?\d([ ().-]*\d){6,}`).ReplaceAllString(text, mask)
	text = strings.Map(controlToSpace, text)
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail], "") + "…"
	}
	return text
}

func controlToSpace(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}
