package waitlist

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxNameRunes limits the length of a name, in Unicode code points.
const maxNameRunes = 100

// cleanName trims the space around a name. For an invalid name it returns the
// problem, in words for the caller. Zero-width joiners and direction marks are
// allowed, because the names of many languages need them, but at least one
// character must be visible.
func cleanName(typed string) (name, problem string) {
	name = strings.TrimSpace(typed)
	switch {
	case !utf8.ValidString(name):
		return "", "must be valid UTF-8"
	case !strings.ContainsFunc(name, isVisible), utf8.RuneCountInString(name) > maxNameRunes:
		return "", "must be 1 to 100 characters long"
	case strings.ContainsFunc(name, isControl):
		return "", "must not contain control characters"
	default:
		return name, ""
	}
}

func isVisible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// isControl also covers U+2028 and U+2029, the line and paragraph separators,
// which Unicode does not count as control characters.
func isControl(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) }
