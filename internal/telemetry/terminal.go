package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
)

// terminalHandler writes short lines for people:
//
//	15:04:05 WARN  heartbeat failed error="…"
//
// A slog.TextHandler formats the attributes.
type terminalHandler struct {
	attributes slog.Handler // writes to line
	line       *bytes.Buffer
	out        io.Writer
	mu         *sync.Mutex // guards line and out; shared with the handlers of WithAttrs and WithGroup
}

func newTerminalHandler(out io.Writer, level slog.Level) *terminalHandler {
	line := &bytes.Buffer{}
	return &terminalHandler{
		attributes: slog.NewTextHandler(line, &slog.HandlerOptions{Level: level, ReplaceAttr: attributesOnly}),
		line:       line,
		out:        out,
		mu:         &sync.Mutex{},
	}
}

// attributesOnly removes what Handle writes itself.
func attributesOnly(groups []string, attr slog.Attr) slog.Attr {
	if len(groups) == 0 && (attr.Key == slog.TimeKey || attr.Key == slog.LevelKey || attr.Key == slog.MessageKey) {
		return slog.Attr{}
	}
	return formatDuration(groups, attr)
}

// Enabled implements slog.Handler.
func (h *terminalHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.attributes.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *terminalHandler) Handle(ctx context.Context, record slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.line.Reset()
	_, _ = fmt.Fprintf(h.line, "%s %-5s %s ", record.Time.Format("15:04:05"), record.Level, record.Message)
	if err := h.attributes.Handle(ctx, record); err != nil {
		return err
	}
	line := append(bytes.TrimRight(h.line.Bytes(), " \n"), '\n')
	_, err := h.out.Write(line)
	return err
}

// WithAttrs implements slog.Handler.
func (h *terminalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clone := *h
	clone.attributes = h.attributes.WithAttrs(attrs)
	return &clone
}

// WithGroup implements slog.Handler.
func (h *terminalHandler) WithGroup(name string) slog.Handler {
	clone := *h
	clone.attributes = h.attributes.WithGroup(name)
	return &clone
}
