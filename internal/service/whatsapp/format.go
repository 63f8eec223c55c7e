package whatsapp

import (
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// maxMarkdown bounds what is parsed, in bytes. No answer of a model is as
// long; what is over it is sent as it is.
const maxMarkdown = 64 << 10

// format writes Markdown in WhatsApp's own formatting: *bold*, _italics_,
// ~strike~, monospace, lists and quotes. What WhatsApp has no form for becomes
// the plainest text that loses nothing.
// https://faq.whatsapp.com/539178204879377
func format(markdown string) string {
	if len(markdown) > maxMarkdown {
		return markdown
	}
	source := []byte(markdown)
	parser := goldmark.New(goldmark.WithExtensions(extension.Strikethrough, extension.Table, extension.TaskList)).Parser()
	f := formatter{source}
	formatted := strings.TrimSpace(f.blocks(parser.Parse(text.NewReader(source)), "\n\n"))
	if formatted == "" {
		return markdown // all of it was meant for a machine; better that than silence
	}
	return formatted
}

// formatter writes the tree of one answer.
type formatter struct{ source []byte }

// blocks writes the children of a block, one after the other.
func (f formatter) blocks(parent ast.Node, separator string) string {
	var parts []string
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		if part := f.block(n); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, separator)
}

func (f formatter) block(n ast.Node) string {
	switch n := n.(type) {
	case *ast.Heading:
		return wrap("*", strings.ReplaceAll(f.inlines(n), "*", ""))
	case *ast.Blockquote:
		return indent("> ", "> ", f.blocks(n, "\n\n"))
	case *ast.List:
		return f.list(n)
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		return fence(f.lines(n))
	case *ast.HTMLBlock:
		return strings.TrimSpace(f.lines(n))
	case *ast.ThematicBreak:
		return "———"
	case *extast.Table:
		return fence(f.table(n))
	default:
		return f.inlines(n)
	}
}

// lines are a block's own lines, as they were written.
func (f formatter) lines(n ast.Node) string {
	var out strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		out.Write(line.Value(f.source))
	}
	return out.String()
}

func fence(code string) string {
	// Three backticks within would end the block.
	code = strings.ReplaceAll(strings.TrimRight(code, "\n"), "```", "'''")
	return "```\n" + code + "\n```"
}

func (f formatter) list(list *ast.List) string {
	var items []string
	number := list.Start
	for item := list.FirstChild(); item != nil; item = item.NextSibling() {
		bullet := "- "
		if list.IsOrdered() {
			bullet = strconv.Itoa(number) + ". "
			number++
		}
		items = append(items, indent(bullet, strings.Repeat(" ", len(bullet)), f.blocks(item, "\n")))
	}
	return strings.Join(items, "\n")
}

// indent puts first before the first line and rest before the others.
func indent(first, rest, block string) string {
	return first + strings.ReplaceAll(block, "\n", "\n"+rest)
}

// table writes columns of equal width, for a monospace block.
func (f formatter) table(table *extast.Table) string {
	var rows [][]string
	widths := make([]int, len(table.Alignments))
	for row := table.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for cell := row.FirstChild(); cell != nil && len(cells) < len(widths); cell = cell.NextSibling() {
			content := f.inlines(cell)
			widths[len(cells)] = max(widths[len(cells)], len([]rune(content)))
			cells = append(cells, content)
		}
		rows = append(rows, cells)
	}
	lines := make([]string, len(rows))
	for i, cells := range rows {
		for k, cell := range cells {
			lines[i] += cell + strings.Repeat(" ", widths[k]-len([]rune(cell))+2)
		}
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// inlines writes what stands in a paragraph, a heading or a cell.
func (f formatter) inlines(parent ast.Node) string {
	var out strings.Builder
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		out.WriteString(f.inline(n))
	}
	return out.String()
}

func (f formatter) inline(n ast.Node) string {
	switch n := n.(type) {
	case *ast.Text:
		return f.words(n)
	case *ast.String:
		return string(n.Value)
	case *ast.CodeSpan:
		return wrap("`", strings.ReplaceAll(f.raw(n), "`", "'"))
	case *ast.Emphasis:
		if n.Level == 1 {
			return wrap("_", f.inlines(n))
		}
		return wrap("*", f.inlines(n))
	case *extast.Strikethrough:
		return wrap("~", f.inlines(n))
	case *ast.Link:
		return link(f.inlines(n), string(n.Destination))
	case *ast.Image:
		return link(f.inlines(n), string(n.Destination))
	case *ast.AutoLink:
		return string(n.URL(f.source))
	case *ast.RawHTML:
		return f.html(n)
	case *extast.TaskCheckBox:
		if n.IsChecked {
			return "☑ "
		}
		return "☐ "
	default:
		return f.inlines(n)
	}
}

// raw is a code span's content, in which nothing has a meaning.
func (f formatter) raw(span *ast.CodeSpan) string {
	var out strings.Builder
	for n := span.FirstChild(); n != nil; n = n.NextSibling() {
		if words, ok := n.(*ast.Text); ok {
			out.Write(words.Segment.Value(f.source))
		}
	}
	return out.String()
}

// words are a text's words, with its entities and escapes read.
func (f formatter) words(n *ast.Text) string {
	value := n.Segment.Value(f.source)
	if !n.IsRaw() {
		value = util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(value)))
	}
	words := string(value)
	if n.SoftLineBreak() || n.HardLineBreak() {
		words += "\n"
	}
	return words
}

func (f formatter) html(n *ast.RawHTML) string {
	var out strings.Builder
	for i := range n.Segments.Len() {
		segment := n.Segments.At(i)
		out.Write(segment.Value(f.source))
	}
	if tag := strings.ToLower(out.String()); strings.HasPrefix(tag, "<br") {
		return "\n"
	}
	return out.String()
}

// wrap puts the mark around the words, inside the space around them and on
// each line anew: WhatsApp's formatting ends with the line.
func wrap(mark, words string) string {
	lines := strings.Split(words, "\n")
	for i, line := range lines {
		core := strings.TrimSpace(line)
		if core == "" {
			continue
		}
		lines[i] = strings.Replace(line, core, mark+core+mark, 1)
	}
	return strings.Join(lines, "\n")
}

func link(words, url string) string {
	switch {
	case words == "" || words == url:
		return url
	case url == "" || strings.HasPrefix(url, "mailto:"+words):
		return words
	default:
		return words + " (" + url + ")"
	}
}
