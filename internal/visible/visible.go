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
	switch {
	case isVisibleFormat(r):
		return true
	case r == brailleBlank, r == fullBlank, r == halfBlank, unicode.IsSpace(r), unicode.IsControl(r), unicode.IsMark(r):
		return false
	default:
		return !unicode.In(r, unicode.Cf, unicode.Z, unicode.Other_Default_Ignorable_Code_Point)
	}
}

// isVisibleFormat reports whether r is a format character with a glyph, such as
// the Arabic number sign.
func isVisibleFormat(r rune) bool {
	return unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}
