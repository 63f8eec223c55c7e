package markup

import (
	"bufio"
	"bytes"
	"html"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	goldmarkhtml "github.com/yuin/goldmark/renderer/html"
)

func (c *converter) convertInlines(n ast.Node) {
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		c.convertInline(child)
	}
}

func (c *converter) convertInline(n ast.Node) {
	switch n := n.(type) {
	case *ast.Text:
		c.convertText(n)
	case *ast.String:
		c.appendText(unescape(n.Value))
	case *ast.CodeSpan:
		c.convertStyled(n, codeSpan)
	case *ast.Emphasis:
		c.convertEmphasis(n)
	case *extast.Strikethrough:
		c.convertStyled(n, strikethrough)
	case *ast.Link:
		c.convertLink(n, n.Destination, n.Title)
	case *ast.Image:
		c.convertLink(n, n.Destination, n.Title)
	case *ast.AutoLink:
		c.appendURL(sanitize(string(n.Label(c.source))))
	case *ast.RawHTML:
		c.convertHTML(string(n.Segments.Value(c.source)))
	case *extast.TaskCheckBox:
		c.convertCheckBox(n)
	default:
		c.convertInlines(n)
	}
}

// convertStyled converts the children of n with style added to the current one.
func (c *converter) convertStyled(n ast.Node, style style) {
	before := c.style
	c.style |= style
	c.convertInlines(n)
	c.style = before
}

// convertEmphasis converts bold and italic text. It keeps single stars inside a
// word as text, because they are more often a product, like width*height*depth.
// Scripts without spaces between words have no such words.
func (c *converter) convertEmphasis(n *ast.Emphasis) {
	before, after := c.previousOnLine(), c.firstAfter(n)
	switch {
	case n.Level == 1 && before.isSpacedWordCharacter() && after.isSpacedWordCharacter():
		c.appendText("*")
		c.convertInlines(n)
		c.appendText("*")
	case n.Level == 1:
		c.convertStyled(n, italic)
	default:
		c.convertStyled(n, bold)
	}
}

// previousOnLine returns the last grapheme of the current line, or the zero
// grapheme if there is none.
func (c *converter) previousOnLine() grapheme {
	if c.pendingBreaks > 0 || len(c.out) == 0 {
		return grapheme{}
	}
	return c.out[len(c.out)-1]
}

// firstAfter returns the first grapheme of the text node after n, or the zero
// grapheme if no text node follows.
func (c *converter) firstAfter(n ast.Node) grapheme {
	next, ok := n.NextSibling().(*ast.Text)
	if !ok {
		return grapheme{}
	}
	value := string(next.Value(c.source))
	return grapheme{text: value[:graphemeLen(value)]}
}

func (c *converter) convertCheckBox(n *extast.TaskCheckBox) {
	if n.IsChecked {
		c.appendText("☑ ")
		return
	}
	c.appendText("☐ ")
}

func (c *converter) convertText(n *ast.Text) {
	value := n.Value(c.source)
	if c.style&codeSpan != 0 || n.IsRaw() {
		c.appendText(strings.ReplaceAll(string(value), "\n", " "))
	} else {
		c.appendText(unescape(value))
	}
	afterBreakTag := len(value) == 0 && c.pendingBreaks > 0 // <br> at the end of a line breaks once
	if (n.SoftLineBreak() || n.HardLineBreak()) && !afterBreakTag {
		c.pendingBreaks++
	}
}

// convertHTML appends HTML as literal text, except that <br> becomes a line
// break.
func (c *converter) convertHTML(source string) {
	for source != "" {
		before, tag, found := strings.Cut(source, "<")
		c.appendText(before)
		if !found {
			return
		}
		name, after, closed := strings.Cut(tag, ">")
		if closed && strings.EqualFold(strings.TrimRight(name, " /"), "br") {
			c.pendingBreaks++
			source = strings.TrimPrefix(after, "\n")
			continue
		}
		c.appendText("<")
		source = tag
	}
}

// unescape resolves backslash escapes and HTML entities. It renders source as
// HTML first, because goldmark's HTML writer resolves both in one pass: in
// \&amp; the backslash keeps the entity literal.
func unescape(source []byte) string {
	if !bytes.ContainsAny(source, `\&`) {
		return string(source)
	}
	var page bytes.Buffer
	w := bufio.NewWriterSize(&page, len(source))
	goldmarkhtml.DefaultWriter.Write(w, source)
	_ = w.Flush() // writes to a bytes.Buffer do not fail
	return sanitize(html.UnescapeString(page.String()))
}
