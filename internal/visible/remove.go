package visible

import (
	"strings"
	"unicode"
)

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
	brailleBlank       = '\u2800'
	fullBlank          = '\U00013441' // of Egyptian hieroglyphs
	halfBlank          = '\U00013442'
	blackFlag          = '\U0001f3f4' // begins the flags of regions, such as Scotland's
)

// RemoveInvisible removes the characters that show nothing: direction marks,
// zero-width characters and fillers. They can hide text, reverse its order, or
// make two names look equal. It keeps those that change how the character
// before them looks, because many scripts and joined emoji need them. Each
// invalid byte becomes U+FFFD.
func RemoveInvisible(text string) string {
	if isASCII(text) {
		return text
	}
	runes := []rune(text)
	kept := runes[:0] // overwrites only runes that the loop has passed
	for i, r := range runes {
		next := rune(-1)
		if i+1 < len(runes) && !isInvisible(runes[i+1]) {
			next = runes[i+1]
		}
		previous := rune(-1)
		if len(kept) > 0 {
			previous = kept[len(kept)-1]
		}
		if !isInvisible(r) || shapes(previous, r, next) {
			kept = append(kept, r)
		}
	}
	return string(kept)
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// isInvisible covers Unicode's Default_Ignorable_Code_Point and all other format
// characters. The signs of Prepended_Concatenation_Mark are format characters
// too, but visible.
func isInvisible(r rune) bool {
	return r == brailleBlank || r == fullBlank || r == halfBlank || unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) &&
		!unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// shapes reports whether the invisible character r changes how its neighbours
// look. previous is the last character that is kept, and next the following one
// if it is visible; -1 means none.
func shapes(previous, r, next rune) bool {
	switch {
	case r == zeroWidthJoiner && isPartOfEmoji(previous):
		return unicode.IsSymbol(next)
	case r == zeroWidthJoiner:
		return isJoiningScript(previous) // also at the end of a word, as in Malayalam
	case r == zeroWidthNonJoiner:
		return isJoiningScript(previous) && isJoiningScript(next)
	case unicode.Is(unicode.Variation_Selector, r):
		return hasVariations(previous)
	case isTag(r):
		return previous == blackFlag || isTag(previous)
	default:
		return false
	}
}

// isPartOfEmoji covers the symbols and the variation selectors that can follow
// them.
func isPartOfEmoji(r rune) bool {
	return unicode.IsSymbol(r) || unicode.Is(unicode.Variation_Selector, r)
}

// hasVariations reports whether a variation selector can change how r looks: r
// is a symbol, a sign, a digit, or a letter of a script with variants.
func hasVariations(r rune) bool {
	if unicode.IsLetter(r) {
		return unicode.In(r, unicode.Han, unicode.Mongolian, unicode.Myanmar, unicode.Common)
	}
	return unicode.IsGraphic(r) && !unicode.In(r, unicode.Zs, unicode.M)
}

// isTag covers the tag characters, which spell the region of a flag.
func isTag(r rune) bool { return '\U000e0020' <= r && r <= '\U000e007f' }

// isJoiningScript reports whether r belongs to a script whose letters change
// their shape next to a joiner or a non-joiner: the cursive scripts and those of
// South and South-East Asia. The vowel marks of Arabic belong to no script.
func isJoiningScript(r rune) bool {
	isArabicMark := '\u064b' <= r && r <= '\u065f' || r == '\u0670'
	return isArabicMark || unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko, unicode.Adlam,
		unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu,
		unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer, unicode.Myanmar, unicode.Tibetan)
}
