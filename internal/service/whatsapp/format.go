package whatsapp

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// format turns the Markdown that the model writes into messages of at most
// limit UTF-16 units in WhatsApp's own formatting, which knows *bold*,
// _italics_, ~strike~, `code`, ``` blocks, lists and quotes. It returns at
// least one message, and none of them is blank unless markdown is.
//
// The text is first read into characters that carry their formatting, and the
// marks are written last. Therefore a message may end anywhere: what is open at
// its end is closed there and opened again in the next.
func format(markdown string, limit int) []string {
	markdown = legible(markdown)
	var text []char
	if !tangled(markdown) {
		text = parse(markdown)
	}
	if len(trim(text)) == 0 { // nothing to see, such as a lone link definition
		text = plain(markdown)
	}
	tidy(text)
	return split(text, limit)
}

// legible removes what no message may hold: broken UTF-8 and control characters.
func legible(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n")
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

const (
	maxMarkdown = 64 << 10 // bytes; no model answers that much
	maxNesting  = 40       // quotes, lists and spaces that a line begins with
	maxLinks    = 1_000
	maxBrackets = 4_000
	maxEmphases = 10_000
	maxArea     = 1 << 16 // lines times how deep, or how wide a table, they are
)

// tangled says whether text is too large or too nested to be read as Markdown
// in a fraction of a second: reading some of it takes time by the square of the
// length, and a table with missing cells is filled up in memory. No honest
// answer comes near these bounds.
func tangled(text string) bool {
	if len(text) > maxMarkdown || strings.Count(text, "](") > maxLinks || strings.Count(text, "[") > maxBrackets {
		return true
	}
	emphases := 0
	for _, mark := range delimiters {
		emphases += strings.Count(text, string(mark))
	}
	lines, deepest, widest := 0, 0, 0
	for line := range strings.Lines(text) {
		lines++
		deepest = max(deepest, nesting(line))
		widest = max(widest, strings.Count(line, "|"))
	}
	return emphases > maxEmphases || deepest > maxNesting || lines*max(deepest, widest) > maxArea
}

// nesting estimates how deep a line stands in quotes and lists. Indentation
// alone nests nothing: it may be code.
func nesting(line string) int {
	lead := line[:len(line)-len(strings.TrimLeft(line, " \t>-+*.)0123456789"))]
	if strings.Trim(lead, " \t") == "" {
		return 0
	}
	return strings.Count(lead, ">") + strings.Count(lead, " ") + strings.Count(lead, "\t")
}

// plain takes text as it stands.
func plain(text string) []char {
	r := reader{out: make([]char, 0, len(text))}
	r.text(text)
	return r.out
}

// char is what a reader takes for one character, and its formatting. An emoji
// may consist of many code points, and an é of two.
type char struct {
	text  string
	style style
}

// style is a set of kinds of formatting.
type style uint8

const (
	bold style = 1 << iota // the first four are in the order of delimiters
	italic
	strike
	code
	block // between fences, where nothing else applies
	quote // on lines that begin with "> "
	link  // a URL, which stays as it is to stay clickable
	lead  // the marker and indentation of a line

	inline = bold | italic | strike | code
)

// delimiters are the marks of the inline styles.
const delimiters = "*_~`"

func (c char) first() rune {
	if c.text != "" && c.text[0] < utf8.RuneSelf { // as nearly all are
		return rune(c.text[0])
	}
	r, _ := utf8.DecodeRuneInString(c.text)
	return r
}

func (c char) isDigit() bool { return unicode.IsDigit(c.first()) }

func (c char) isSpace() bool { return unicode.IsSpace(c.first()) }

// inWord says whether WhatsApp takes c for a part of a word, beside which no
// formatting opens or closes.
func (c char) inWord() bool {
	r := c.first()
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}
