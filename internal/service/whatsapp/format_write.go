package whatsapp

import (
	"strings"
	"unicode/utf16"
)

const fence = "```"

// write writes text with the marks of its formatting.
func write(text []char) string {
	var w writer
	for _, c := range text {
		w.add(c)
	}
	w.close(0)
	return w.out.String()
}

// writer writes characters, and counts what WhatsApp counts.
type writer struct {
	out     strings.Builder
	units   int     // UTF-16 units written
	open    []style // the inline styles that are open, the outermost first
	inBlock bool
	inLine  bool // something stands on this line
}

func (w *writer) add(c char) {
	w.close(c.style)
	if !w.inLine && c.style&quote != 0 {
		w.put("> ")
	}
	if !c.isSpace() || c.style&block != 0 { // no mark stands before a space
		w.begin(c.style)
	}
	w.put(c.text)
	w.inLine = c.text != "\n"
}

// close ends what a character in style next is not in. Code ends with any
// change, as no other mark means anything inside it.
func (w *writer) close(next style) {
	if w.inBlock && next&block == 0 {
		w.put("\n" + fence)
		w.inBlock = false
	}
	kept, opened := 0, w.opened()
	for kept < len(w.open) && w.open[kept]&next != 0 && (w.open[kept] != code || next&inline == opened) {
		kept++
	}
	for i := len(w.open) - 1; i >= kept; i-- {
		w.put(w.open[i].mark())
	}
	w.open = w.open[:kept]
}

// begin opens what is not open of style.
func (w *writer) begin(style style) {
	if !w.inBlock && style&block != 0 {
		w.put(fence + "\n")
		w.inBlock = true
	}
	for s := bold; s <= code; s <<= 1 {
		if style&^w.opened()&s != 0 {
			w.open = append(w.open, s)
			w.put(s.mark())
		}
	}
}

// opened is the set of the inline styles that are open.
func (w *writer) opened() (opened style) {
	for _, s := range w.open {
		opened |= s
	}
	return opened
}

// mark is the delimiter of a single inline style.
func (s style) mark() string {
	for i := range len(delimiters) {
		if s == 1<<i {
			return delimiters[i : i+1]
		}
	}
	return ""
}

// total is how many units the message has if it ends here.
func (w *writer) total() int {
	total := w.units + len(w.open)
	if w.inBlock {
		total += len("\n" + fence)
	}
	return total
}

func (w *writer) put(text string) {
	w.out.WriteString(text)
	for _, r := range text {
		w.units += utf16.RuneLen(r)
	}
}
