package whatsapp

import (
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// reader writes down the characters of a Markdown tree, block after block.
type reader struct {
	source []byte
	out    []char
	style  style
	breaks int    // line breaks that are due before the next character
	marker string // begins the next line: "- " or "1. ", with its indentation
	indent string // begins all further lines of a list item
}

// markdownParser keeps nothing of what it parses, and takes as long to make as
// to parse an answer.
//
//nolint:gochecknoglobals // it never changes
var markdownParser = goldmark.New(goldmark.WithExtensions(
	extension.Strikethrough, extension.Table, extension.TaskList, extension.Linkify,
)).Parser()

func parse(markdown string) []char {
	source := []byte(markdown)
	r := reader{source: source, out: make([]char, 0, len(source))}
	r.block(markdownParser.Parse(text.NewReader(source)))
	return r.out
}

func (r *reader) block(n ast.Node) {
	switch n := n.(type) {
	case *ast.Heading:
		r.styled(n, bold)
	case *ast.Paragraph, *ast.TextBlock:
		r.inlines(n)
	case *ast.Blockquote:
		r.quote(n)
	case *ast.List:
		r.list(n)
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		r.code(string(n.Lines().Value(r.source)))
	case *ast.HTMLBlock:
		r.html(string(n.Lines().Value(r.source)))
		if n.HasClosure() {
			r.html(string(n.ClosureLine.Value(r.source)))
		}
	case *ast.ThematicBreak:
		r.text("———")
	case *extast.Table:
		r.code(r.table(n))
	case *ast.LinkReferenceDefinition: // shown where it is used
	default:
		r.blocks(n, 2)
	}
}

// blocks reads the blocks in n, with at least so many breaks between them.
func (r *reader) blocks(n ast.Node, breaks int) {
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		r.block(child)
		r.breakLine(breaks)
	}
}

// breakLine asks for the next character to stand on a new line, or behind a
// blank one.
func (r *reader) breakLine(breaks int) {
	r.breaks = max(r.breaks, breaks)
}

// quote reads a quote. WhatsApp knows one level; what is quoted within a quote
// shows its own ">" on the line.
func (r *reader) quote(n ast.Node) {
	style, indent := r.style, r.indent
	if r.style&quote == 0 {
		r.style, r.indent = r.style|quote, ""
	} else {
		r.indent += "> "
	}
	r.blocks(n, 2)
	r.style, r.indent = style, indent
}

func (r *reader) list(n *ast.List) {
	breaks, number := 2, n.Start
	if n.IsTight {
		breaks = 1
	}
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		marker := "- "
		if n.IsOrdered() {
			marker = strconv.Itoa(number) + ". "
			number++
		}
		r.item(item, marker, breaks)
		r.breakLine(breaks)
	}
}

func (r *reader) item(n ast.Node, marker string, breaks int) {
	if r.marker == "" {
		r.marker = r.indent
	}
	r.marker += marker
	indent := r.indent
	r.indent += "  "
	r.blocks(n, breaks)
	if r.marker != "" { // an item without content
		r.beginLine()
	}
	r.indent = indent
}

// beginLine writes what is due before the next character.
func (r *reader) beginLine() {
	if r.breaks == 0 && len(r.out) > 0 {
		return
	}
	r.writeBreaks()
	begin := r.indent
	if r.marker != "" {
		begin, r.marker = r.marker, ""
	}
	r.write(begin, r.style&quote|lead)
}

func (r *reader) writeBreaks() {
	if len(r.out) > 0 {
		r.write(strings.Repeat("\n", r.breaks), 0)
	}
	r.breaks = 0
}

func (r *reader) write(text string, style style) {
	for text != "" {
		size := nextChar(text)
		r.out = append(r.out, char{text[:size], style})
		text = text[size:]
	}
}

// code reads lines of code. Fences do not reach over the lines of a quote, so
// that each of them is marked there on its own.
func (r *reader) code(lines string) {
	lines = strings.Trim(lines, "\n")
	if strings.TrimSpace(lines) == "" {
		return
	}
	if r.style&quote != 0 {
		style := r.style
		r.style |= code
		r.text(lines)
		r.style = style
		return
	}
	if r.marker != "" { // the first line of an item, which no fence can share
		r.marker = strings.TrimRight(r.marker, " ")
		r.beginLine()
		r.breakLine(1)
	}
	r.writeBreaks()
	r.write(lines, block)
}
