package waitlist

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName bounds a name, in characters.
const maxName = 100

// cleanName is the name without the space around it, or what is wrong with it.
// The joiners and direction marks that the names of many languages need may
// stay, but a name must have something to see.
func cleanName(typed string) (name, problem string) {
	name = strings.TrimSpace(typed)
	switch {
	case !utf8.ValidString(name):
		return "", "must be valid UTF-8"
	case !strings.ContainsFunc(name, visible), utf8.RuneCountInString(name) > maxName:
		return "", "must be 1 to 100 characters long"
	case strings.ContainsFunc(name, breaksLine):
		return "", "must not contain control characters"
	default:
		return name, ""
	}
}

func visible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// breaksLine tells control characters, and Unicode's own line and paragraph
// separators, which are controls in all but their category.
func breaksLine(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) }
