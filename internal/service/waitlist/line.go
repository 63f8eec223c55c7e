package waitlist

import (
	"fmt"

	"aisha/internal/fault"
)

// maxLabel limits the source of a sign-up and the version of a consent text, in
// characters.
const maxLabel = 64

// cleanRequired is cleanLine for a text that must not be empty.
func cleanRequired(typed string, limit int) (line string, problem *fault.Field) {
	line, problem = cleanLine(typed, limit)
	if problem == nil && line == "" {
		return "", &fault.Field{Code: fault.FieldRequired, Message: fmt.Sprintf("must be 1 to %d characters long", limit)}
	}
	return line, problem
}
