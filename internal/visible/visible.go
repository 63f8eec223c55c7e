// Package visible decides which characters of a text a reader can see. It
// removes the invisible ones that can reorder or disguise a text, and finds
// texts that show nothing.
package visible

import (
	"strings"
	"unicode"
)

// IsBlank reports whether text shows nothing: it has only white space, format
// and control characters, fillers, and marks without a character to combine
// with.
func IsBlank(text string) bool {
	return strings.IndexFunc(text, IsVisible) < 0
}

// IsVisible reports whether r shows something on its own.
func IsVisible(r rune) bool {
	return !isInvisible(r) && !unicode.In(r, unicode.Z, unicode.Cc, unicode.M)
}
