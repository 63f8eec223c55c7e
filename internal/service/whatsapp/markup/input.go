package markup

import (
	"strings"
	"unicode"

	"aisha/internal/visible"
)

// sanitize replaces invalid UTF-8, turns CRLF into LF, turns other control
// characters that are white space into spaces and removes the rest of them. It
// removes invisible characters, which can reorder or disguise a text.
func sanitize(text string) string {
	text = visible.RemoveInvisible(strings.ToValidUTF8(text, "\uFFFD"))
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', !unicode.IsControl(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		default:
			return -1
		}
	}, text)
}

// Bounds for input that is parsed as Markdown. Real completions stay far below.
const (
	maxMarkdownBytes = 64 << 10
	maxNesting       = 40 // quote markers and white space at the start of a line
	maxLinks         = 1_000
	maxBrackets      = 4_000
	maxDelimiters    = 10_000
	maxArea          = 1 << 16 // lines times the deepest nesting or the widest table
)

// tooComplex reports whether text exceeds a bound. Parsing can take quadratic
// time in the length of the text, and goldmark allocates the missing cells of
// every table row. Within the bounds, parsing takes a fraction of a second.
func tooComplex(text string) bool {
	if len(text) > maxMarkdownBytes || strings.Count(text, "](") > maxLinks || strings.Count(text, "[") > maxBrackets {
		return true
	}
	delimiterCount := 0
	for _, delimiter := range delimiters {
		delimiterCount += strings.Count(text, string(delimiter))
	}
	lines, deepest, widest := 0, 0, 0
	for line := range strings.Lines(text) {
		lines++
		deepest = max(deepest, nestingDepth(line))
		widest = max(widest, strings.Count(line, "|"))
	}
	return delimiterCount > maxDelimiters || deepest > maxNesting || lines*max(deepest, widest) > maxArea
}

// nestingDepth estimates how many quotes and lists contain line. A line with
// indentation only counts as 0, because it can be code.
func nestingDepth(line string) int {
	prefix := line[:len(line)-len(strings.TrimLeft(line, " \t>-+*.)0123456789"))]
	if strings.Trim(prefix, " \t") == "" {
		return 0
	}
	return strings.Count(prefix, ">") + strings.Count(prefix, " ") + strings.Count(prefix, "\t")
}
