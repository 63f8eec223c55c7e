package markup

import "strings"

// split writes text as messages of at most limit UTF-16 units. It cuts between
// paragraphs, else between lines, else between sentences, else between words.
// It returns at least one message. No message is blank unless text is.
func split(text []grapheme, limit int) []string {
	text = trimSpace(text)
	var messages []string
	for {
		fitting := countFitting(text, limit)
		if fitting == len(text) {
			return append(messages, writeMessage(text))
		}
		cut := findCut(text, fitting)
		if head := trimSpace(text[:cut]); len(head) > 0 {
			messages = append(messages, writeMessage(head))
		}
		text = trimSpace(text[cut:])
	}
}

// countFitting returns how many graphemes of text fit into a message of limit
// units, with their delimiters. It returns at least 1 unless text is empty, so
// that split always makes progress.
func countFitting(text []grapheme, limit int) int {
	var w messageWriter
	fitting := 0
	for i, g := range text {
		w.write(g)
		if w.units > limit {
			break
		}
		if w.unitsWhenClosed() <= limit {
			fitting = i + 1
		}
	}
	return min(max(fitting, 1), len(text))
}

// findCut returns how many graphemes of text, which is longer than limit, the
// next message takes: at most limit, and at least half of it. It returns the
// last end of a paragraph in this range, else of a line, a sentence or a word.
// If a single word fills the range, it returns limit.
func findCut(text []grapheme, limit int) int {
	for _, isEnd := range []func(text []grapheme, at int) bool{isParagraphEnd, isLineEnd, isSentenceEnd, isWordEnd} {
		for at := limit; at >= max(limit/2, 1); at-- {
			if isEnd(text, at) {
				return at
			}
		}
	}
	return limit
}

// isParagraphEnd reports whether a blank line outside a code block follows
// text[:at].
func isParagraphEnd(text []grapheme, at int) bool {
	return isLineEnd(text, at) && at+1 < len(text) && isLineEnd(text, at+1) && text[at].style&codeBlock == 0
}

func isLineEnd(text []grapheme, at int) bool { return text[at].text == "\n" }

func isSentenceEnd(text []grapheme, at int) bool {
	return isWordEnd(text, at) && strings.Contains(".?!…", text[at-1].text)
}

func isWordEnd(text []grapheme, at int) bool { return text[at].isSpace() }

// trimSpace returns text without leading and trailing white space. It keeps the
// indentation of a code block's first line.
func trimSpace(text []grapheme) []grapheme {
	start, end := 0, len(text)
	for end > 0 && text[end-1].isSpace() {
		end--
	}
	for start < end && text[start].isSpace() {
		start++
	}
	for start > 0 && start < end && text[start].style&codeBlock != 0 && text[start-1].text != "\n" {
		start--
	}
	return text[start:end]
}
