package markup

import "strings"

// zeroWidthNoBreakSpace is the invisible character that keeps WhatsApp from
// taking a literal * for formatting. WhatsApp has no escape character, but
// ignores a delimiter with a space on its inner side. JavaScript counts U+FEFF
// as white space, unlike U+200B, and no line breaks at it.
const zeroWidthNoBreakSpace = "\uFEFF"

// escapeLine escapes the literal characters of line that WhatsApp would take
// for delimiters, for a fence, or for the start of a list or a quote.
func escapeLine(line []grapheme) {
	ranges := findDelimiterRanges(line)
	for i, g := range line {
		index := g.delimiterIndex()
		if index < 0 || g.style&(codeSpan|linkURL) != 0 {
			continue
		}
		if g.style&codeBlock == 0 && ranges[index].firstOpening < ranges[index].lastClosing {
			line[i].text = escapeDelimiter(line, i)
		}
		if endsWithFence(line[:i+1]) {
			line[i].text = zeroWidthNoBreakSpace + line[i].text
		}
	}
	if start := prefixLen(line); looksLikeBlock(line[start:]) {
		line[start].text = zeroWidthNoBreakSpace + line[start].text
	}
}

// delimiterRange says where in a line a delimiter can take effect. Literal
// delimiters of a kind are harmless unless one can close after another opens.
type delimiterRange struct {
	firstOpening int // first position where the delimiter can open its style
	lastClosing  int // last position where it can close its style
}

// findDelimiterRanges returns the range of each delimiter. It counts literal
// delimiters and those that messageWriter will add.
func findDelimiterRanges(line []grapheme) (ranges [len(delimiters)]delimiterRange) {
	for index := range ranges {
		ranges[index].firstOpening = len(line)
	}
	for i, g := range line {
		if index := g.delimiterIndex(); index >= 0 && g.style&(codeSpan|linkURL) == 0 {
			if canOpen(line, i) {
				ranges[index].firstOpening = min(ranges[index].firstOpening, i)
			}
			if canClose(line, i) {
				ranges[index].lastClosing = i
			}
		}
		for index := range ranges {
			if g.style&(1<<index) != 0 {
				ranges[index].firstOpening = min(ranges[index].firstOpening, i)
				ranges[index].lastClosing = i + 1
			}
		}
	}
	return ranges
}

// canOpen reports whether a delimiter at i would open its style.
func canOpen(line []grapheme, i int) bool {
	afterWord := i > 0 && !isStyleBoundary(line, i) && line[i-1].endsInWord()
	return !afterWord && !isBeforeSpace(line, i)
}

// canClose reports whether a delimiter at i would close its style.
func canClose(line []grapheme, i int) bool {
	beforeWord := i+1 < len(line) && !isStyleBoundary(line, i+1) && line[i+1].isWordCharacter()
	return !beforeWord && !isAfterSpace(line, i)
}

// isStyleBoundary reports whether messageWriter will write a delimiter before
// line[i].
func isStyleBoundary(line []grapheme, i int) bool {
	return (line[i-1].style^line[i].style)&inlineStyles != 0
}

// isBeforeSpace reports whether line[i] is followed by a space or the end.
func isBeforeSpace(line []grapheme, i int) bool {
	return i+1 == len(line) || !isStyleBoundary(line, i+1) && line[i+1].isSpace()
}

// isAfterSpace reports whether line[i] is preceded by a space or the start.
func isAfterSpace(line []grapheme, i int) bool {
	return i == 0 || !isStyleBoundary(line, i) && line[i-1].isSpace()
}

// endsInWord reports whether the last character of g is part of a word. An
// invisible space may have been added before or after it.
func (g grapheme) endsInWord() bool {
	g.text = strings.TrimPrefix(g.text, zeroWidthNoBreakSpace)
	return g.isWordCharacter() && !strings.HasSuffix(g.text, zeroWidthNoBreakSpace)
}

// escapeDelimiter returns the text of the literal delimiter at i, with an
// invisible space on each side that has no space yet, if the delimiter would have
// an effect. One invisible space is not enough: it keeps the star of a*b from
// opening a style, and lets it close one.
func escapeDelimiter(line []grapheme, i int) string {
	text := line[i].text
	if !canOpen(line, i) && !canClose(line, i) {
		return text
	}
	if !isBeforeSpace(line, i) {
		text += zeroWidthNoBreakSpace
	}
	if !isAfterSpace(line, i) {
		text = zeroWidthNoBreakSpace + text
	}
	return text
}

// endsWithFence reports whether text ends with three backticks. WhatsApp takes
// them for a fence anywhere, even inside a word.
func endsWithFence(text []grapheme) bool {
	n := len(text)
	return n >= 3 && strings.HasPrefix(text[n-1].text, "`") && text[n-2].text == "`" && strings.HasSuffix(text[n-3].text, "`")
}

// prefixLen returns how many graphemes of line are its real list marker and
// indentation.
func prefixLen(line []grapheme) int {
	n := 0
	for n < len(line) && line[n].style&linePrefix != 0 {
		n++
	}
	return n
}

// looksLikeBlock reports whether WhatsApp would take literal text at the start
// of a line for a quote or a list item.
func looksLikeBlock(text []grapheme) bool {
	if len(text) == 0 || text[0].style&(inlineStyles|codeBlock|linkURL) != 0 {
		return false
	}
	digits := 0
	for digits < len(text) && strings.Contains("0123456789", text[digits].text) {
		digits++
	}
	if digits == len(text) {
		return false
	}
	spaceFollows := digits+1 < len(text) && text[digits+1].isSpace()
	marker := text[digits].text
	if digits > 0 {
		return spaceFollows && marker == "."
	}
	return marker == ">" || spaceFollows && (marker == "-" || marker == "*")
}
