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
//     each with its styles (convert.go, inline.go, link.go, table.go).
//  3. adaptStyles removes styles that WhatsApp cannot show, and escapes literal
//     characters that WhatsApp would take for formatting (adapt.go, escape.go).
//  4. split cuts the list into messages, and messageWriter adds the delimiters
//     of the styles (split.go, writer.go).
//
// Because the delimiters are added last, a message can end at any grapheme: the
// styles that are open there are closed, and opened again in the next message.
package markup

// MaxTextUnits is the limit for the text of one WhatsApp message, in UTF-16
// code units. Meta documents 4,096 characters without defining a character;
// UTF-16 units are the strictest reading.
const MaxTextUnits = 4096

// Format converts markdown into messages of at most limit UTF-16 units in
// WhatsApp's formatting: *bold*, _italic_, ~strikethrough~, `code`, ``` code
// blocks, lists and quotes. Markdown that is too complex to parse quickly is
// returned as plain text.
//
// Format returns at least one message. No message is blank unless markdown is.
// With a limit below 64 units, a message can exceed the limit, because it holds
// at least one grapheme with all its delimiters.
func Format(markdown string, limit int) []string {
	markdown = sanitize(markdown)
	var text []grapheme
	if !tooComplex(markdown) {
		text = parseMarkdown(markdown)
	}
	if len(trimSpace(text)) == 0 { // too complex, or it shows nothing, like a link definition
		text = parsePlainText(markdown)
	}
	adaptStyles(text)
	return split(text, limit)
}
