package waitlist

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"aisha/internal/fault"
)

// maxLabel limits the source of a sign-up and the version of a consent text, in
// characters.
const maxLabel = 64

// cleanLine trims the space around a text of one line. For an invalid text it returns
// the problem: a field error without the field's name.
func cleanLine(typed string, maxCharacters int) (line string, problem *fault.Field) {
	line = strings.TrimSpace(typed)
	wrongLength := fmt.Sprintf("must be 1 to %d characters long", maxCharacters)
	switch {
	case !utf8.ValidString(line):
		return "", &fault.Field{Code: fault.FieldNotUnicode, Message: "must be valid UTF-8"}
	case line == "":
		return "", &fault.Field{Code: fault.FieldRequired, Message: wrongLength}
	case strings.ContainsFunc(line, isControl):
		return "", &fault.Field{Code: fault.FieldControlCharacter, Message: "must not contain control characters"}
	case utf8.RuneCountInString(line) > maxCharacters:
		return "", &fault.Field{Code: fault.FieldTooLong, Message: wrongLength}
	default:
		return line, nil
	}
}
