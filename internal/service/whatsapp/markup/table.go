package markup

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// maxColumnWidth limits how far the cells of a column are padded. A phone shows
// about forty characters on a line.
const maxColumnWidth = 32

// drawTable returns the table as text with aligned columns and a line under the
// header. WhatsApp has no tables, so the caller shows it as a code block.
func (c *converter) drawTable(n *extast.Table) string {
	rows := c.tableRows(n)
	widths := make([]int, len(n.Alignments))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], min(cell.width, maxColumnWidth))
		}
	}
	var out strings.Builder
	for i, row := range rows {
		writeRow(&out, row, widths, n.Alignments)
		if i == 0 {
			writeHeaderLine(&out, widths)
		}
	}
	return out.String()
}

// cell is the text of a table cell and its width in columns.
type cell struct {
	text  string
	width int
}

func (c *converter) tableRows(n *extast.Table) [][]cell {
	var rows [][]cell
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []cell
		for child := row.FirstChild(); child != nil && len(cells) < len(n.Alignments); child = child.NextSibling() {
			cells = append(cells, c.tableCell(child))
		}
		rows = append(rows, cells)
	}
	return rows
}

// tableCell returns the content of a cell without its styles, which WhatsApp
// does not show in a code block.
func (c *converter) tableCell(n ast.Node) cell {
	if n.FirstChild() == nil {
		return cell{}
	}
	content := converter{source: c.source}
	content.convertInlines(n)
	var text strings.Builder
	width := 0
	for _, g := range content.out {
		if g.isSpace() { // including a line break
			g.text = " "
		}
		text.WriteString(g.text)
		width += g.columns()
	}
	return cell{text: text.String(), width: width}
}

func writeRow(out *strings.Builder, row []cell, widths []int, alignments []extast.Alignment) {
	var line strings.Builder
	for i, cell := range row {
		padding := max(widths[i]-cell.width, 0)
		left := 0
		switch alignments[i] {
		case extast.AlignRight:
			left = padding
		case extast.AlignCenter:
			left = padding / 2
		}
		line.WriteString(strings.Repeat(" ", left) + cell.text + strings.Repeat(" ", padding-left) + "  ")
	}
	out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

func writeHeaderLine(out *strings.Builder, widths []int) {
	for i, width := range widths {
		if i > 0 {
			out.WriteString("  ")
		}
		out.WriteString(strings.Repeat("-", max(width, 1)))
	}
	out.WriteString("\n")
}
