package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"aisha/internal/fault"
	"aisha/internal/job"
	"aisha/internal/resource"
	"aisha/internal/service/operation"
)

// maxOperations is how many operations run at once. They share the database with
// sign-ups and answers.
const maxOperations = 2

// Operations runs the operations of operators.
type Operations interface {
	Run(ctx context.Context, id int64) resource.Resource[operation.State]
}

// runOperationWorker runs the jobs that run operations.
type runOperationWorker struct {
	river.WorkerDefaults[job.RunOperation]
	operations Operations
	stopping   <-chan struct{} // closed when the process stops
	known      *knownJobs
	log        *slog.Logger
}

// Work implements river.Worker. A stop of the process and a temporary fault snooze
// the job; it goes on where the last chunk ended. A stop does not wait for the
// operation, which can take hours.
func (w *runOperationWorker) Work(ctx context.Context, j *river.Job[job.RunOperation]) error {
	w.known.begin(j.ID)
	defer w.known.end(j.ID)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-w.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()

	log := w.log.With(slog.Int64("operation_id", j.Args.OperationID))
	started := time.Now()
	state, err := w.operations.Run(ctx, j.Args.OperationID).Get()
	switch {
	case err == nil:
		log.InfoContext(ctx, "operation ended", slog.String("state", string(state)), slog.Duration("took", time.Since(started)))
		return nil
	case errors.Is(err, context.Canceled):
		return river.JobSnooze(minRetry)
	case fault.Is(err, fault.NotFound):
		log.WarnContext(ctx, "operation does not exist")
		return river.JobCancel(err)
	case fault.Of(err).Kind == fault.Internal:
		log.ErrorContext(ctx, "operation interrupted; the queue retries it", slog.Any("error", err))
		return err
	default:
		wait := retryDelay(time.Since(j.CreatedAt), fault.Of(err).Transient)
		log.WarnContext(ctx, "operation interrupted", slog.Duration("wait", wait), slog.Any("error", err))
		return river.JobSnooze(wait)
	}
}
