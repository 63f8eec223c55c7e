// Package telemetry decides how logs and metrics look.
package telemetry

import (
	"io"
	"log/slog"
)

// NewLog returns a logger that writes the format "text" or "json" to out.
func NewLog(out io.Writer, level slog.Level, format string) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: formatDuration}
	if format == "text" {
		return slog.New(slog.NewTextHandler(out, options))
	}
	return slog.New(slog.NewJSONHandler(out, options))
}

// formatDuration writes durations as 1.5s. In JSON they would be nanoseconds.
func formatDuration(_ []string, attr slog.Attr) slog.Attr {
	if attr.Value.Kind() == slog.KindDuration {
		attr.Value = slog.StringValue(attr.Value.Duration().String())
	}
	return attr
}
