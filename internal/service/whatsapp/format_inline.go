package whatsapp

import (
	"bufio"
	"bytes"
	"html"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	goldmarkhtml "github.com/yuin/goldmark/renderer/html"
)

func (r *reader) inlines(n ast.Node) {
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		r.inline(child)
	}
}

func (r *reader) inline(n ast.Node) {
	switch n := n.(type) {
	case *ast.Text:
		r.textNode(n)
	case *ast.String:
		r.text(unescape(n.Value))
	case *ast.CodeSpan:
		r.styled(n, code)
	case *ast.Emphasis:
		r.emphasis(n)
	case *extast.Strikethrough:
		r.styled(n, strike)
	case *ast.Link:
		r.link(n, n.Destination, n.Title)
	case *ast.Image:
		r.link(n, n.Destination, n.Title)
	case *ast.AutoLink:
		r.url(legible(string(n.Label(r.source))))
	case *ast.RawHTML:
		r.html(string(n.Segments.Value(r.source)))
	case *extast.TaskCheckBox:
		r.checkBox(n)
	default:
		r.inlines(n)
	}
}

func (r *reader) styled(n ast.Node, style style) {
	before := r.style
	r.style |= style
	r.inlines(n)
	r.style = before
}

// emphasis reads bold and italics. Markdown takes the stars of 2*3*4 for
// italics, too, which nobody means; between digits no star is a mark.
func (r *reader) emphasis(n *ast.Emphasis) {
	if before, after := r.before(), r.after(n); before.inWord() && after.inWord() &&
		(n.Level == 1 || before.isDigit() && after.isDigit()) {
		stars := strings.Repeat("*", n.Level)
		r.text(stars)
		r.inlines(n)
		r.text(stars)
		return
	}
	if n.Level == 1 {
		r.styled(n, italic)
		return
	}
	r.styled(n, bold)
}

// before is the last character on this line.
func (r *reader) before() char {
	if r.breaks > 0 || len(r.out) == 0 {
		return char{}
	}
	return r.out[len(r.out)-1]
}

// after is the character that follows n.
func (r *reader) after(n ast.Node) char {
	next, ok := n.NextSibling().(*ast.Text)
	if !ok {
		return char{}
	}
	value := string(next.Value(r.source))
	return char{text: value[:nextChar(value)]}
}

func (r *reader) checkBox(n *extast.TaskCheckBox) {
	if n.IsChecked {
		r.text("☑ ")
		return
	}
	r.text("☐ ")
}

func (r *reader) textNode(n *ast.Text) {
	value := n.Value(r.source)
	if r.style&code != 0 || n.IsRaw() {
		r.text(strings.ReplaceAll(string(value), "\n", " "))
	} else {
		r.text(unescape(value))
	}
	broken := len(value) == 0 && r.breaks > 0 // by a <br> at the end of the line
	if (n.SoftLineBreak() || n.HardLineBreak()) && !broken {
		r.breaks++
	}
}

// text reads words that stand for themselves.
func (r *reader) text(text string) {
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			r.breaks++
		}
		if line == "" {
			continue
		}
		r.beginLine()
		r.write(line, r.style)
	}
}

// html shows tags as they are, except the one that says what a text can say.
func (r *reader) html(source string) {
	for source != "" {
		before, tag, found := strings.Cut(source, "<")
		r.text(before)
		if !found {
			return
		}
		name, after, closed := strings.Cut(tag, ">")
		if closed && strings.EqualFold(strings.TrimRight(name, " /"), "br") {
			r.breaks++
			source = strings.TrimPrefix(after, "\n")
			continue
		}
		r.text("<")
		source = tag
	}
}

// link reads a link or an image as its text with the URL behind it, or as the
// URL alone where the text says the same.
func (r *reader) link(n ast.Node, destination, title []byte) {
	r.beginLine()
	start := len(r.out)
	r.inlines(n)
	target := unescape(destination)
	switch {
	case target == "":
		return
	case says(r.out[start:], target):
		r.out = r.out[:start]
		r.url(address(target))
		return
	}
	r.text(" (")
	r.url(target)
	if len(title) > 0 {
		r.text(" “" + unescape(title) + "”")
	}
	r.text(")")
}

// says tells whether text is empty, or the same address as target.
func says(text []char, target string) bool {
	if len(text) > len(target) {
		return false
	}
	var said strings.Builder
	for _, c := range text {
		said.WriteString(c.text)
	}
	return said.Len() == 0 || said.String() == target || said.String() == address(target)
}

// address is a URL as people write it where its kind is plain to see.
func address(url string) string {
	return strings.TrimPrefix(strings.TrimPrefix(url, "mailto:"), "tel:")
}

// url reads an address, which has no formatting of its own: a mark at its end
// would be taken for a part of it.
func (r *reader) url(url string) {
	r.beginLine()
	r.write(strings.NewReplacer(" ", "%20", "\t", "%09", "\n", "%0A", "`", "%60").Replace(url), r.style&quote|link)
}

// unescape resolves backslashes and HTML entities, by way of the HTML that
// would be made of them, because only that one sees both at once.
func unescape(source []byte) string {
	if !bytes.ContainsAny(source, `\&`) {
		return string(source)
	}
	var page bytes.Buffer
	w := bufio.NewWriterSize(&page, len(source))
	goldmarkhtml.DefaultWriter.Write(w, source)
	_ = w.Flush() // a bytes.Buffer takes everything
	return legible(html.UnescapeString(page.String()))
}
