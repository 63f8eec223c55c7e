package whatsapp

import (
	"unicode"
	"unicode/utf8"
)

// maxCharBytes bounds one character; a longer heap of combining marks is cut.
const maxCharBytes = 48

// nextChar is how many bytes the first character of text has, as its reader
// sees it. It knows combining marks, joined emoji, skin tones and flags, which
// is what answers hold; conjoining Korean letters it would take apart.
func nextChar(text string) int {
	previous, size := utf8.DecodeRuneInString(text)
	if unicode.IsSpace(previous) { // where text may be cut and trimmed
		return size
	}
	flag := isRegional(previous)
	for size < len(text) {
		r, n := utf8.DecodeRuneInString(text[size:])
		second := flag && isRegional(r)
		if !extends(r) && !second && (previous != '\u200D' || !isPictograph(r)) {
			return size
		}
		if size+n > maxCharBytes {
			return size
		}
		flag = flag && !second
		size, previous = size+n, r
	}
	return size
}

func extends(r rune) bool {
	return r == '\u200D' || unicode.IsMark(r) ||
		r >= 0x1F3FB && r <= 0x1F3FF || // skin tones
		r >= 0xE0020 && r <= 0xE007F // the letters of regional flags
}

func isRegional(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

func isPictograph(r rune) bool { return r >= 0x2190 && !unicode.IsLetter(r) }

// width is how many columns c takes between fences, as nearly as the fonts of
// phones allow: East Asian characters and emoji take two.
func (c char) width() int {
	for _, r := range c.text {
		if r == '\uFE0F' { // shown as an emoji
			return 2
		}
	}
	r := c.first()
	switch {
	case unicode.IsMark(r) || unicode.Is(unicode.Cf, r):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul),
		r >= 0x3000 && r <= 0x303E, r >= 0xFF01 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6,
		r >= 0x1F300 && r <= 0x1F64F, r >= 0x1F680 && r <= 0x1F6FF, r >= 0x1F900 && r <= 0x1FAFF,
		isRegional(r):
		return 2
	default:
		return 1
	}
}
