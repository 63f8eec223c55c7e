// Package telemetry decides how logs and metrics look.
package telemetry

import (
	"io"
	"log/slog"
	"os"
)

// LogOptions are the settings of a log.
type LogOptions struct {
	Level  slog.Level
	Format string // json or text; empty: short text in a terminal, json otherwise

	// IsOutage reports whether an error means that the database is unreachable. Of
	// the lines with such an error, one a minute is logged at its level and the
	// others at debug. nil: there is no such limit.
	IsOutage func(error) bool
}

// NewLog returns a logger that writes to out.
func NewLog(out io.Writer, o LogOptions) *slog.Logger {
	options := &slog.HandlerOptions{Level: o.Level, ReplaceAttr: formatDuration}
	var handler slog.Handler
	switch {
	case o.Format == "text":
		handler = slog.NewTextHandler(out, options)
	case o.Format == "" && isTerminal(out):
		handler = newTerminalHandler(out, o.Level)
	default:
		handler = slog.NewJSONHandler(out, options)
	}
	if o.IsOutage != nil {
		handler = newOutageHandler(handler, o.IsOutage)
	}
	return slog.New(handler)
}

// isTerminal reports whether out is a terminal or another character device.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// formatDuration writes durations as 1.5s. In JSON they would be nanoseconds.
func formatDuration(_ []string, attr slog.Attr) slog.Attr {
	if attr.Value.Kind() == slog.KindDuration {
		attr.Value = slog.StringValue(attr.Value.Duration().String())
	}
	return attr
}
