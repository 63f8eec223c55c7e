package markup

import (
	"unicode"
	"unicode/utf8"
)

// grapheme is one character as a reader sees it, with its styles. An emoji can
// consist of many code points, and an é of two.
type grapheme struct {
	text  string // never empty in a parsed text
	style style
}

// maxGraphemeBytes limits the length of a grapheme. A longer sequence of
// combining marks is divided into several graphemes.
const maxGraphemeBytes = 48

// graphemeLen returns the length in bytes of the first grapheme of text. It
// keeps combining marks, joined emoji, skin tones and flags together, which is
// enough for completions. It implements only a part of Unicode's rules
// (UAX #29): for example, it separates conjoining Korean letters.
func graphemeLen(text string) int {
	previous, size := utf8.DecodeRuneInString(text)
	if unicode.IsSpace(previous) { // split can cut and trim after any white space
		return size
	}
	canCompleteFlag := isRegionalIndicator(previous)
	for size < len(text) {
		r, n := utf8.DecodeRuneInString(text[size:])
		completesFlag := canCompleteFlag && isRegionalIndicator(r)
		joined := previous == zeroWidthJoiner && isPictograph(r)
		if !extendsGrapheme(r) && !completesFlag && !joined {
			return size
		}
		if size+n > maxGraphemeBytes {
			return size
		}
		canCompleteFlag = canCompleteFlag && !completesFlag
		size, previous = size+n, r
	}
	return size
}

const (
	zeroWidthJoiner        = '\u200D' // joins emoji into one
	emojiVariationSelector = '\uFE0F' // shows the character before it as an emoji
)

func extendsGrapheme(r rune) bool {
	return r == zeroWidthJoiner || unicode.IsMark(r) ||
		r >= 0x1F3FB && r <= 0x1F3FF || // skin tones
		r >= 0xE0020 && r <= 0xE007F // tag characters, used in regional flags
}

// isRegionalIndicator reports whether r is one of the letters that form a flag
// in pairs.
func isRegionalIndicator(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// isPictograph reports whether r can follow a joiner. It accepts more than
// emoji: everything from the arrows upwards that is not a letter.
func isPictograph(r rune) bool { return r >= 0x2190 && !unicode.IsLetter(r) }

func (g grapheme) firstRune() rune {
	if g.text != "" && g.text[0] < utf8.RuneSelf { // fast path for ASCII
		return rune(g.text[0])
	}
	r, _ := utf8.DecodeRuneInString(g.text)
	return r
}

func (g grapheme) isSpace() bool { return unicode.IsSpace(g.firstRune()) }

// isWordCharacter reports whether WhatsApp counts g as part of a word. A
// delimiter between two such characters has no effect.
func (g grapheme) isWordCharacter() bool {
	r := g.firstRune()
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}

// isSpacedWordCharacter reports whether g is part of a word in a script that puts
// spaces between words.
func (g grapheme) isSpacedWordCharacter() bool {
	return g.isWordCharacter() && !unicode.In(g.firstRune(),
		unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// columns returns how many columns g occupies in a code block. This is an
// estimate, because fonts differ: East Asian characters and emoji take two.
func (g grapheme) columns() int {
	for _, r := range g.text {
		if r == emojiVariationSelector {
			return 2
		}
	}
	r := g.firstRune()
	switch {
	case unicode.IsMark(r) || unicode.Is(unicode.Cf, r):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul),
		r >= 0x3000 && r <= 0x303E,                             // CJK punctuation
		r >= 0xFF01 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6, // full-width forms
		r >= 0x1F300 && r <= 0x1F64F, r >= 0x1F680 && r <= 0x1F6FF, r >= 0x1F900 && r <= 0x1FAFF, // emoji
		isRegionalIndicator(r):
		return 2
	default:
		return 1
	}
}
