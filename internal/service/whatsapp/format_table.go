package whatsapp

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// maxColumn bounds how wide a column is made for its widest cell: a phone
// shows about forty characters on a line.
const maxColumn = 32

// table draws a table with aligned columns, and a line under its header.
func (r *reader) table(n *extast.Table) string {
	rows := r.rows(n)
	widths := make([]int, len(n.Alignments))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], min(cell.width, maxColumn))
		}
	}
	var drawn strings.Builder
	for i, row := range rows {
		drawRow(&drawn, row, widths, n.Alignments)
		if i == 0 {
			drawRule(&drawn, widths)
		}
	}
	return drawn.String()
}

// cell is what one field of a table says, and the columns that it takes.
type cell struct {
	text  string
	width int
}

func (r *reader) rows(n *extast.Table) [][]cell {
	var rows [][]cell
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []cell
		for field := row.FirstChild(); field != nil && len(cells) < len(n.Alignments); field = field.NextSibling() {
			cells = append(cells, r.cell(field))
		}
		rows = append(rows, cells)
	}
	return rows
}

// cell reads a field without its formatting, which does not show between
// fences.
func (r *reader) cell(n ast.Node) cell {
	if n.FirstChild() == nil {
		return cell{}
	}
	field := reader{source: r.source}
	field.inlines(n)
	var text strings.Builder
	width := 0
	for _, c := range field.out {
		if c.isSpace() { // perhaps a break
			c.text = " "
		}
		text.WriteString(c.text)
		width += c.width()
	}
	return cell{text.String(), width}
}

func drawRow(drawn *strings.Builder, row []cell, widths []int, alignments []extast.Alignment) {
	var line strings.Builder
	for i, cell := range row {
		room := max(widths[i]-cell.width, 0)
		left := 0
		switch alignments[i] {
		case extast.AlignRight:
			left = room
		case extast.AlignCenter:
			left = room / 2
		}
		line.WriteString(strings.Repeat(" ", left) + cell.text + strings.Repeat(" ", room-left) + "  ")
	}
	drawn.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

func drawRule(drawn *strings.Builder, widths []int) {
	for i, width := range widths {
		if i > 0 {
			drawn.WriteString("  ")
		}
		drawn.WriteString(strings.Repeat("-", max(width, 1)))
	}
	drawn.WriteString("\n")
}
