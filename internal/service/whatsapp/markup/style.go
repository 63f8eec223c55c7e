package markup

import "strings"

// style is a set of formatting properties of a grapheme.
type style uint8

const (
	bold style = 1 << iota // the first four are in the order of delimiters
	italic
	strikethrough
	codeSpan
	codeBlock  // between fences, where no other style applies
	quote      // on a line that begins with "> "
	linkURL    // part of a URL, which must stay unchanged to be clickable
	linePrefix // list marker or indentation at the start of a line

	inlineStyles = bold | italic | strikethrough | codeSpan
)

// delimiters are the characters that WhatsApp puts around text in an inline
// style. Delimiter i belongs to the style 1<<i.
const delimiters = "*_~`"

// fence is the line before and after a code block.
const fence = "```"

// delimiter returns the delimiter of s, which must be a single inline style.
func (s style) delimiter() string {
	for i := range len(delimiters) {
		if s == 1<<i {
			return delimiters[i : i+1]
		}
	}
	return ""
}

// delimiterIndex returns the index in delimiters of the first byte of g, or -1
// if that is no delimiter.
func (g grapheme) delimiterIndex() int { return strings.IndexByte(delimiters, g.text[0]) }
