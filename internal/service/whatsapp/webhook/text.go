package webhook

import (
	"unicode"
	"unicode/utf8"

	"aisha/internal/sensitive"
	"aisha/internal/visible"
)

const (
	// maxText limits the text of one message, in characters, as WhatsApp does.
	maxText = 65_536
	// maxName limits the name of a person or a file, in bytes. WhatsApp's own
	// limit for a profile name is 25 characters.
	maxName = 200
)

// cleanText returns the text of a message, cut to maxText.
func cleanText(text string) sensitive.Text { return sensitive.NewText(cutText(text, maxText)) }

// cleanName returns the name of a person or a file without invisible characters,
// which could make one name look like another.
func cleanName(name scalar) sensitive.Text {
	return sensitive.NewText(visible.RemoveInvisible(name.text())).Truncate(maxName)
}

// cutText returns the first limit characters of text. It does not cut between a
// character and its combining marks, nor inside a joined emoji.
func cutText(text string, limit int) string {
	if len(text) <= limit { // a character has at least one byte
		return text
	}
	count := 0
	for at := range text {
		if count == limit {
			return text[:graphemeStart(text, at)]
		}
		count++
	}
	return text
}

// graphemeStart returns the start of the grapheme that contains the character at
// at, or at itself if that grapheme is unusually long.
func graphemeStart(text string, at int) int {
	const longest = 48 // bytes
	for start := at; start > 0 && at-start < longest; {
		r, _ := utf8.DecodeRuneInString(text[start:])
		previous, size := utf8.DecodeLastRuneInString(text[:start])
		if !extendsCharacter(r) && previous != zeroWidthJoiner {
			return start
		}
		start -= size
	}
	return at
}

const zeroWidthJoiner = '\u200D'

// extendsCharacter reports whether r changes how the character before it looks.
func extendsCharacter(r rune) bool {
	return r == zeroWidthJoiner || unicode.IsMark(r) || r >= 0x1F3FB && r <= 0x1F3FF // skin tones
}
