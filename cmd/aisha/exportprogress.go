package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// rowCounter counts the rows of an export that is written to it.
type rowCounter struct {
	isCSV    bool // a line break between quotation marks ends no row, and the first row is the header
	isQuoted bool
	lines    atomic.Int64
	bytes    atomic.Int64
}

func newRowCounter(contentType string) *rowCounter {
	return &rowCounter{isCSV: strings.HasPrefix(contentType, "text/csv")}
}

// Write implements io.Writer.
func (c *rowCounter) Write(p []byte) (int, error) {
	lines := int64(0)
	for _, b := range p {
		switch {
		case b == '"' && c.isCSV:
			c.isQuoted = !c.isQuoted
		case b == '\n' && !c.isQuoted:
			lines++
		}
	}
	c.lines.Add(lines)
	c.bytes.Add(int64(len(p)))
	return len(p), nil
}

func (c *rowCounter) rows() int64 {
	lines := c.lines.Load()
	if c.isCSV {
		return max(lines-1, 0)
	}
	return lines
}

// How often the progress of a long command is shown.
const (
	barInterval  = 200 * time.Millisecond // on a terminal
	lineInterval = 10 * time.Second       // elsewhere
)

// exportProgress shows how much of an export has arrived: in one line that changes on
// a terminal, and in a line of its own every few seconds elsewhere.
type exportProgress struct {
	out   io.Writer
	rows  *rowCounter
	isBar bool
	start time.Time
	done  chan struct{}
	ended chan struct{}
}

func startProgress(out *os.File, rows *rowCounter) *exportProgress {
	info, err := out.Stat()
	p := &exportProgress{
		out: out, rows: rows, isBar: err == nil && info.Mode()&os.ModeCharDevice != 0,
		start: time.Now(), done: make(chan struct{}), ended: make(chan struct{}),
	}
	go p.run()
	return p
}

func (p *exportProgress) run() {
	defer close(p.ended)
	interval := lineInterval
	if p.isBar {
		interval = barInterval
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.show()
		case <-p.done:
			p.show()
			if p.isBar {
				_, _ = fmt.Fprintln(p.out)
			}
			return
		}
	}
}

// stop shows the last state.
func (p *exportProgress) stop() {
	close(p.done)
	<-p.ended
}

func (p *exportProgress) show() {
	took := time.Since(p.start)
	text := fmt.Sprintf("%d rows, %.1f MB, %.0f s", p.rows.rows(), float64(p.rows.bytes.Load())/1e6, took.Seconds())
	if p.isBar {
		_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s", text) // erases the line first
		return
	}
	_, _ = fmt.Fprintln(p.out, text)
}
