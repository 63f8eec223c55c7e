package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// outageInterval is the time between two lines about an unreachable database.
const outageInterval = time.Minute

// outageHandler limits the lines about an unreachable database. Each request, job
// and heartbeat fails during an outage, and logs that.
type outageHandler struct {
	slog.Handler
	isOutage func(error) bool
	limit    *outageLimit // shared with the handlers of WithAttrs and WithGroup
}

type outageLimit struct {
	mu      sync.Mutex
	last    time.Time
	omitted int
}

func newOutageHandler(inner slog.Handler, isOutage func(error) bool) *outageHandler {
	return &outageHandler{Handler: inner, isOutage: isOutage, limit: &outageLimit{}}
}

// Handle implements slog.Handler.
func (h *outageHandler) Handle(ctx context.Context, record slog.Record) error {
	if record.Level <= slog.LevelDebug || !h.hasOutage(record) {
		return h.Handler.Handle(ctx, record)
	}
	omitted, ok := h.limit.allow(record.Time)
	switch {
	case ok && omitted > 0:
		record = record.Clone()
		record.AddAttrs(slog.Int("similar_lines_omitted", omitted))
	case !ok && !h.Enabled(ctx, slog.LevelDebug):
		return nil
	case !ok:
		record.Level = slog.LevelDebug
	}
	return h.Handler.Handle(ctx, record)
}

// allow reports whether a line at this time is logged at its level, and how many
// were omitted since the last one.
func (l *outageLimit) allow(at time.Time) (omitted int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.Sub(l.last) < outageInterval {
		l.omitted++
		return 0, false
	}
	omitted, l.last, l.omitted = l.omitted, at, 0
	return omitted, true
}

func (h *outageHandler) hasOutage(record slog.Record) bool {
	found := false
	record.Attrs(func(attr slog.Attr) bool {
		err, isError := attr.Value.Any().(error)
		found = isError && h.isOutage(err)
		return !found
	})
	return found
}

// WithAttrs implements slog.Handler.
func (h *outageHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clone := *h
	clone.Handler = h.Handler.WithAttrs(attrs)
	return &clone
}

// WithGroup implements slog.Handler.
func (h *outageHandler) WithGroup(name string) slog.Handler {
	clone := *h
	clone.Handler = h.Handler.WithGroup(name)
	return &clone
}
