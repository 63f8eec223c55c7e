// Package markup converts the Markdown that the model writes into WhatsApp
// messages. It decides how each Markdown element looks in WhatsApp's smaller
// formatting language, which literal characters must be escaped, and where a
// long text is split into several messages. It neither sends nor stores them.
//
// Format works in four steps:
//
//  1. sanitize removes characters that a message must not contain, and
//     tooComplex finds input that would be slow to parse (input.go).
//  2. parseMarkdown converts goldmark's tree into a flat list of graphemes,
//     each with its styles (convert.go, inline.go, emphasis.go, link.go, table.go).
//  3. adaptStyles removes styles that WhatsApp cannot show, and escapes literal
//     characters that WhatsApp would take for formatting (adapt.go, escape.go).
//  4. split cuts the list into messages, and messageWriter adds the delimiters
//     of the styles (split.go, writer.go).
//
// Because the delimiters are added last, a message can end at any grapheme: the
// styles that are open there are closed, and opened again in the next message.
package markup

import (
	"strings"

	"aisha/internal/visible"
)

// MaxTextUnits is the limit for the text of one WhatsApp message, in UTF-16
// code units. Meta documents 4,096 characters without defining a character;
// UTF-16 units are the strictest reading.
const MaxTextUnits = 4096

// Format converts markdown into messages of at most limit UTF-16 units in
// WhatsApp's formatting: *bold*, _italic_, ~strikethrough~, `code`, ``` code
// blocks, lists and quotes. Markdown that is too complex to parse quickly is
// returned as plain text.
//
// Format returns at least one message. If markdown shows nothing, this is a single
// empty message; otherwise no message is blank. With a limit below 64 units, a
// message can exceed the limit, because it holds at least one grapheme with all its
// delimiters.
func Format(markdown string, limit int) []string {
	markdown = sanitize(markdown)
	var text []grapheme
	if !tooComplex(markdown) {
		text = parseMarkdown(markdown)
	}
	if isBlank(text) { // too complex, or it shows nothing, like a link definition
		if !hasContent(unescape([]byte(markdown))) {
			return []string{""}
		}
		text = parsePlainText(markdown)
	}
	adaptStyles(text)
	return split(text, limit)
}

// isBlank reports whether text shows nothing but list markers and thematic breaks.
func isBlank(text []grapheme) bool {
	for _, g := range text {
		if g.style&linePrefix == 0 && g.text != "—" && !visible.IsBlank(g.text) {
			return false
		}
	}
	return true
}

// hasContent reports whether anything in markdown is visible beside the
// characters of Markdown's syntax. A single such character can be the answer to a
// question about it.
func hasContent(markdown string) bool {
	const syntax = "#*_~`>|+-=\\"
	return strings.ContainsFunc(markdown, func(r rune) bool { return visible.IsVisible(r) && !strings.ContainsRune(syntax, r) }) ||
		len(strings.TrimSpace(markdown)) == 1
}
