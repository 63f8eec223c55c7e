package markup

import (
	"strconv"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdownParser returns the parser that all calls of Format share. Making one
// takes as long as parsing an answer.
//
//nolint:gochecknoglobals // a parser has no state between calls and is safe for concurrent use
var markdownParser = sync.OnceValue(func() parser.Parser {
	const beforeEmphasis = 450 // goldmark's own emphasis parser has the priority 500
	return goldmark.New(
		goldmark.WithExtensions(extension.Table, extension.TaskList, extension.Linkify),
		goldmark.WithParserOptions(parser.WithInlineParsers(util.Prioritized(emphasisParser{}, beforeEmphasis))),
	).Parser()
})

func parseMarkdown(markdown string) []grapheme {
	source := []byte(markdown)
	c := converter{source: source, out: make([]grapheme, 0, len(source))}
	c.convertBlock(markdownParser().Parse(text.NewReader(source)))
	return c.out
}

// parsePlainText converts text without interpreting any Markdown in it.
func parsePlainText(text string) []grapheme {
	c := converter{out: make([]grapheme, 0, len(text))}
	c.appendText(text)
	return c.out
}

// converter converts a Markdown tree into graphemes, in document order. It
// delays line breaks and list markers until text follows them.
type converter struct {
	source        []byte
	out           []grapheme
	style         style  // of the text that is appended next
	pendingBreaks int    // line breaks to append before the next text
	pendingMarker string // "- " or "1. " with its indentation, for the next line
	indent        string // for each further line of the current list item
}

func (c *converter) convertBlock(n ast.Node) {
	switch n := n.(type) {
	case *ast.Heading:
		c.convertStyled(n, bold)
	case *ast.Paragraph, *ast.TextBlock:
		c.convertInlines(n)
	case *ast.Blockquote:
		c.convertQuote(n)
	case *ast.List:
		c.convertList(n)
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		c.appendCodeBlock(string(n.Lines().Value(c.source)))
	case *ast.HTMLBlock:
		c.convertHTML(string(n.Lines().Value(c.source)))
		if n.HasClosure() {
			c.convertHTML(string(n.ClosureLine.Value(c.source)))
		}
	case *ast.ThematicBreak:
		c.appendText("———")
	case *extast.Table:
		c.appendCodeBlock(c.drawTable(n))
	case *ast.LinkReferenceDefinition: // its URL is shown at each link that uses it
	default:
		c.convertBlocks(n, 2)
	}
}

// convertBlocks converts the children of n and puts at least the given number
// of line breaks after each.
func (c *converter) convertBlocks(n ast.Node, breaks int) {
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		c.convertBlock(child)
		c.requireBreaks(breaks)
	}
}

// requireBreaks makes sure that at least the given number of line breaks comes
// before the next text.
func (c *converter) requireBreaks(breaks int) {
	c.pendingBreaks = max(c.pendingBreaks, breaks)
}

// convertQuote converts a quote. WhatsApp has a single level of quotes, so a
// quote inside a quote keeps its own "> " as text.
func (c *converter) convertQuote(n ast.Node) {
	style, indent := c.style, c.indent
	if c.style&quote == 0 {
		c.style, c.indent = c.style|quote, ""
	} else {
		c.indent += "> "
	}
	c.convertBlocks(n, 2)
	c.style, c.indent = style, indent
}

func (c *converter) convertList(n *ast.List) {
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
		c.convertListItem(item, marker, breaks)
		c.requireBreaks(breaks)
	}
}

func (c *converter) convertListItem(n ast.Node, marker string, breaks int) {
	if c.pendingMarker == "" {
		c.pendingMarker = c.indent
	}
	c.pendingMarker += marker
	indent := c.indent
	c.indent += "  "
	c.convertBlocks(n, breaks)
	if c.pendingMarker != "" { // the item is empty
		c.startLine()
	}
	c.indent = indent
}

// appendCodeBlock appends lines as a code block. Inside a quote it makes each
// line a code span, because a fence cannot span the lines of a quote.
func (c *converter) appendCodeBlock(lines string) {
	lines = strings.Trim(lines, "\n")
	if strings.TrimSpace(lines) == "" {
		return
	}
	if c.style&quote != 0 {
		style := c.style
		c.style |= codeSpan
		c.appendText(lines)
		c.style = style
		return
	}
	if c.pendingMarker != "" { // a fence needs a line without a list marker
		c.pendingMarker = strings.TrimRight(c.pendingMarker, " ")
		c.startLine()
		c.requireBreaks(1)
	}
	c.appendPendingBreaks()
	c.appendStyled(lines, codeBlock)
}

// appendText appends literal text in the current style.
func (c *converter) appendText(text string) {
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			c.pendingBreaks++
		}
		if line == "" {
			continue
		}
		c.startLine()
		c.appendStyled(line, c.style)
	}
}

// startLine appends the pending line breaks and the list marker or indentation
// of the new line. In the middle of a line it does nothing.
func (c *converter) startLine() {
	if c.pendingBreaks == 0 && len(c.out) > 0 {
		return
	}
	c.appendPendingBreaks()
	prefix := c.indent
	if c.pendingMarker != "" {
		prefix, c.pendingMarker = c.pendingMarker, ""
	}
	c.appendStyled(prefix, c.style&quote|linePrefix)
}

func (c *converter) appendPendingBreaks() {
	if len(c.out) > 0 {
		c.appendStyled(strings.Repeat("\n", c.pendingBreaks), 0)
	}
	c.pendingBreaks = 0
}

func (c *converter) appendStyled(text string, style style) {
	for text != "" {
		size := graphemeLen(text)
		c.out = append(c.out, grapheme{text: text[:size], style: style})
		text = text[size:]
	}
}
