// Package visible decides which characters of a text a reader can see. It
// removes the invisible ones that can reorder or disguise a text, and finds
// texts that show nothing.
package visible

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	zeroWidthJoiner   = '\u200D'     // joins emoji into one
	variationSelector = '\uFE0F'     // shows the character before it as an emoji
	blackFlag         = '\U0001F3F4' // tag characters after it make the flag of a region
	brailleBlank      = '\u2800'     // a symbol that shows nothing
)

// RemoveInvisible removes Unicode's format characters: bidirectional controls,
// zero-width characters and tags. It keeps the joiners and tags that emoji
// consist of, and the format characters that are visible, such as the Arabic
// number sign. Each invalid byte becomes U+FFFD.
func RemoveInvisible(text string) string {
	if isASCII(text) {
		return text
	}
	var out strings.Builder
	out.Grow(len(text))
	var previous rune // the last rune that was kept
	for i, r := range text {
		if unicode.Is(unicode.Cf, r) && !isVisibleFormat(r) && !continuesEmoji(previous, text[i:], r) {
			continue
		}
		out.WriteRune(r)
		previous = r
	}
	return out.String()
}

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
	case r == brailleBlank, unicode.IsSpace(r), unicode.IsControl(r), unicode.IsMark(r):
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

// continuesEmoji reports whether r, the first rune of rest, is a part of an
// emoji: a joiner between two pictographs, or a tag of a flag.
func continuesEmoji(previous rune, rest string, r rune) bool {
	switch {
	case r == zeroWidthJoiner:
		next, _ := utf8.DecodeRuneInString(rest[utf8.RuneLen(r):])
		return (isPictograph(previous) || previous == variationSelector) && isPictograph(next)
	case isTag(r):
		return previous == blackFlag || isTag(previous)
	default:
		return false
	}
}

// isPictograph accepts more than emoji: all symbols from the arrows upwards.
func isPictograph(r rune) bool { return r >= 0x2190 && unicode.IsSymbol(r) && r != utf8.RuneError }

func isTag(r rune) bool { return r >= 0xE0020 && r <= 0xE007F }

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
