package waitlist

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"aisha/internal/fault"
	"aisha/internal/visible"
)

const (
	// maxNameCharacters limits the length of a name in characters as people count
	// them: a letter with its marks is one, and so is a joined emoji.
	maxNameCharacters = 100
	// maxNameBytes limits a name whose characters have many marks.
	maxNameBytes = 1 << 10
)

// cleanName removes invisible characters from a name and trims the space around
// it. For an invalid name it returns the problem: a field error without the
// field's name.
func cleanName(typed string) (name string, problem *fault.Field) {
	const wrongLength = "must be 1 to 100 characters long"
	if !utf8.ValidString(typed) {
		return "", &fault.Field{Code: fault.FieldNotUnicode, Message: "must be valid UTF-8"}
	}
	name = strings.TrimSpace(visible.RemoveInvisible(strings.TrimSpace(typed)))
	switch {
	case strings.TrimSpace(typed) == "":
		return "", &fault.Field{Code: fault.FieldRequired, Message: wrongLength}
	case strings.ContainsFunc(name, isControl):
		return "", &fault.Field{Code: fault.FieldControlCharacter, Message: "must not contain control characters"}
	case !strings.ContainsFunc(name, isLetterOrDigit):
		return "", &fault.Field{Code: fault.FieldNotVisible, Message: "must contain a letter or a digit"}
	case isTooLong(name):
		return "", &fault.Field{Code: fault.FieldTooLong, Message: wrongLength}
	default:
		return name, nil
	}
}

func isTooLong(name string) bool {
	// No name has more characters than bytes.
	return len(name) > maxNameBytes || len(name) > maxNameCharacters && uniseg.GraphemeClusterCount(name) > maxNameCharacters
}

// isControl also covers U+2028 and U+2029, the line and paragraph separators,
// which Unicode does not count as control characters.
func isControl(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) }

func isLetterOrDigit(r rune) bool { return unicode.In(r, unicode.L, unicode.N) }
