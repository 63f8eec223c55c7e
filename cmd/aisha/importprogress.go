package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// importProgress shows how far an upload or an operation is: in one line with a bar
// that changes on a terminal, and in a line of its own every few seconds elsewhere. It
// is safe for concurrent use: after an early response the upload may still be read.
type importProgress struct {
	out   io.Writer
	isBar bool

	mu       sync.Mutex
	lastShow time.Time
	isOpen   bool // the line of the bar is not ended
}

func newImportProgress(out *os.File) *importProgress {
	info, err := out.Stat()
	return &importProgress{
		out:      out,
		isBar:    err == nil && info.Mode()&os.ModeCharDevice != 0,
		lastShow: time.Now(),
	}
}

// show shows a state, unless the last one was shown a moment ago. A total below one is
// unknown.
func (p *importProgress) show(action, unit string, done, total float64) {
	interval := lineInterval
	if p.isBar {
		interval = barInterval
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.lastShow) < interval {
		return
	}
	p.lastShow = time.Now()
	text := fmt.Sprintf("%s: %.0f %s", action, done, unit)
	if total >= 1 {
		text = fmt.Sprintf("%s: %.0f of %.0f %s, %.0f %%", action, done, total, unit, 100*done/total)
	}
	if !p.isBar {
		_, _ = fmt.Fprintln(p.out, text)
		return
	}
	p.isOpen = true
	_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s%s", bar(done, total), text) // erases the line first
}

// bar returns a picture of done in proportion to total.
func bar(done, total float64) string {
	const width = 30
	if total < 1 {
		return ""
	}
	full := int(width * min(done/total, 1))
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", width-full) + "] "
}

func (p *importProgress) showOperation(now operationProgress) {
	total := 0.0
	if now.Total != nil {
		total = float64(*now.Total)
	}
	p.show("importing", "records", float64(now.Done), total)
}

// end ends the line of the bar.
func (p *importProgress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isOpen {
		_, _ = fmt.Fprintln(p.out)
	}
	p.isOpen = false
}

// progressReader shows how much of a file was read.
type progressReader struct {
	file     io.Reader
	read     int64
	size     int64 // -1: unknown
	progress *importProgress
}

// Read implements io.Reader.
func (r *progressReader) Read(p []byte) (int, error) {
	n, err := r.file.Read(p)
	r.read += int64(n)
	r.progress.show("uploading", "KiB", float64(r.read)/1024, float64(r.size)/1024)
	return n, err
}
