package worker

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// newRiverLog returns the log for River, whose lines are all at debug. This package
// logs the failures of jobs and of the database itself, and River would log each of
// them again, several times a second during an outage.
func newRiverLog(log *slog.Logger) *slog.Logger {
	return slog.New(debugHandler{log.Handler()})
}

// debugHandler logs every record at debug.
type debugHandler struct{ inner slog.Handler }

// Enabled implements slog.Handler.
func (h debugHandler) Enabled(ctx context.Context, _ slog.Level) bool {
	return h.inner.Enabled(ctx, slog.LevelDebug)
}

// Handle implements slog.Handler.
func (h debugHandler) Handle(ctx context.Context, record slog.Record) error {
	record.Level = slog.LevelDebug
	return h.inner.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h debugHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return debugHandler{h.inner.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h debugHandler) WithGroup(name string) slog.Handler {
	return debugHandler{h.inner.WithGroup(name)}
}

// panicLogger implements river.ErrorHandler. Without it only River would log the
// panic of a job.
type panicLogger struct{ log *slog.Logger }

// HandleError does nothing: the worker has logged the error.
func (panicLogger) HandleError(context.Context, *rivertype.JobRow, error) *river.ErrorHandlerResult {
	return nil
}

// HandlePanic logs a panic. River retries the job.
func (l panicLogger) HandlePanic(ctx context.Context, job *rivertype.JobRow, value any, stack string) *river.ErrorHandlerResult {
	l.log.ErrorContext(ctx, "job panicked; the queue retries it",
		slog.Int64("job_id", job.ID), slog.String("kind", job.Kind), slog.Any("panic", value), slog.String("stack", stack))
	return nil
}
