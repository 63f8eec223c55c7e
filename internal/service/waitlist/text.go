package waitlist

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"aisha/internal/fault"
)

// Limits of texts, in characters.
const (
	maxLabel         = 64 // the source of an entry, the version of a consent text
	maxConsentSource = 200
	maxReason        = 500
	maxNote          = 2000
)

// cleanLine trims a text of one line, which may be empty. For an invalid text it
// returns the problem: a field error without the field's name.
func cleanLine(typed string, limit int) (line string, problem *fault.Field) {
	return cleanText(typed, limit, "")
}

// cleanRequired is cleanLine for a text that must not be empty.
func cleanRequired(typed string, limit int) (line string, problem *fault.Field) {
	line, problem = cleanLine(typed, limit)
	if problem == nil && line == "" {
		return "", &fault.Field{Code: fault.FieldRequired, Message: fmt.Sprintf("must be 1 to %d characters long", limit)}
	}
	return line, problem
}

// cleanLines is cleanLine for a text that may have several lines. They end with "\n".
func cleanLines(typed string, limit int) (lines string, problem *fault.Field) {
	return cleanText(strings.ReplaceAll(typed, "\r\n", "\n"), limit, "\n\t")
}

func cleanText(typed string, limit int, allowedControls string) (text string, problem *fault.Field) {
	text = strings.TrimSpace(typed)
	switch {
	case !utf8.ValidString(text):
		return "", &fault.Field{Code: fault.FieldNotUnicode, Message: "must be valid UTF-8"}
	case strings.ContainsFunc(text, func(r rune) bool { return isControl(r) && !strings.ContainsRune(allowedControls, r) }):
		return "", &fault.Field{Code: fault.FieldControlCharacter, Message: "must not contain control characters"}
	case utf8.RuneCountInString(text) > limit:
		return "", &fault.Field{Code: fault.FieldTooLong, Message: fmt.Sprintf("must have at most %d characters", limit)}
	default:
		return text, nil
	}
}
