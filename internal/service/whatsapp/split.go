package whatsapp

import (
	"strings"
	"unicode/utf16"
)

// maxTextUnits is how long the text of one message may be. Meta documents
// 4,096 characters without saying what a character is; UTF-16 units are the
// strictest reading.
const maxTextUnits = 4096

// split cuts text into pieces of at most limit UTF-16 units, where a reader
// would cut it: between paragraphs, else lines, else sentences, else words. It
// returns at least one piece, and none of them is blank unless text is.
func split(text string, limit int) []string {
	text = strings.TrimSpace(text)
	var pieces []string
	for {
		head := prefix(text, limit)
		if head == len(text) {
			return append(pieces, text)
		}
		cut := boundary(text[:head])
		pieces = append(pieces, strings.TrimSpace(text[:cut]))
		text = strings.TrimSpace(text[cut:])
	}
}

// prefix is how many bytes of text fit into limit UTF-16 units.
func prefix(text string, limit int) int {
	units := 0
	for i, r := range text {
		if units += utf16.RuneLen(r); units > limit {
			return i
		}
	}
	return len(text)
}

// boundary is where to cut text: behind the last paragraph, line, sentence or
// word in it, whichever of these first leaves at least half of it.
func boundary(text string) int {
	for _, separator := range []string{"\n\n", "\n", ". ", "? ", "! ", " "} {
		if at := strings.LastIndex(text, separator); at >= len(text)/2 {
			return at + len(separator)
		}
	}
	return len(text) // a single word this long is no word
}
