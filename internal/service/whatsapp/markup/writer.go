package markup

import (
	"strings"
	"unicode/utf16"
)

// writeMessage returns text with the delimiters of its styles.
func writeMessage(text []grapheme) string {
	var w messageWriter
	for _, g := range text {
		w.write(g)
	}
	w.closeStyles(0)
	return w.out.String()
}

// messageWriter writes the graphemes of one message with their delimiters and
// counts the units that count towards WhatsApp's limit.
type messageWriter struct {
	out         strings.Builder
	units       int     // UTF-16 units written
	open        []style // single inline styles, the outermost first
	inCodeBlock bool
	inLine      bool // the current line has text
}

func (w *messageWriter) write(g grapheme) {
	w.closeStyles(g.style)
	if !w.inLine && g.style&quote != 0 {
		w.writeString("> ")
	}
	if !g.isSpace() || g.style&codeBlock != 0 { // no style opens before a space
		w.openStyles(g.style)
	}
	w.writeString(g.text)
	w.inLine = g.text != "\n"
}

// closeStyles closes the open styles that next does not contain, and those
// opened inside them. A code span closes at any change of style, because no
// other delimiter has an effect inside it.
func (w *messageWriter) closeStyles(next style) {
	if w.inCodeBlock && next&codeBlock == 0 {
		w.writeString("\n" + fence)
		w.inCodeBlock = false
	}
	kept, all := 0, w.openSet()
	for kept < len(w.open) && w.open[kept]&next != 0 && (w.open[kept] != codeSpan || next&inlineStyles == all) {
		kept++
	}
	for i := len(w.open) - 1; i >= kept; i-- {
		w.writeString(w.open[i].delimiter())
	}
	w.open = w.open[:kept]
}

// openStyles opens the styles of next that are not open.
func (w *messageWriter) openStyles(next style) {
	if !w.inCodeBlock && next&codeBlock != 0 {
		w.writeString(fence + "\n")
		w.inCodeBlock = true
	}
	missing := next &^ w.openSet()
	for s := bold; s <= codeSpan; s <<= 1 {
		if missing&s != 0 {
			w.open = append(w.open, s)
			w.writeString(s.delimiter())
		}
	}
}

// openSet returns the open inline styles as one set.
func (w *messageWriter) openSet() (set style) {
	for _, s := range w.open {
		set |= s
	}
	return set
}

// unitsWhenClosed returns the length of the message, in UTF-16 units, if it
// ends here.
func (w *messageWriter) unitsWhenClosed() int {
	units := w.units + len(w.open) // each delimiter is one unit
	if w.inCodeBlock {
		units += len("\n" + fence)
	}
	return units
}

func (w *messageWriter) writeString(text string) {
	w.out.WriteString(text)
	for _, r := range text {
		w.units += utf16.RuneLen(r)
	}
}
