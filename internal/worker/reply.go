package worker

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"

	"aisha/internal/fault"
	"aisha/internal/job"
	"aisha/internal/service/whatsapp"
)

const (
	firstRetry = time.Second
	lastRetry  = time.Minute
)

type replyWorker struct {
	river.WorkerDefaults[job.Reply]
	replier Replier
	log     *slog.Logger
}

// Work implements river.Worker. A fault that may pass puts the job off, without
// an end: what waits too long is the service's to decide. An error that nobody
// classified is a bug and goes to the queue, which keeps it for the operator
// and tries again ever more rarely.
func (w *replyWorker) Work(ctx context.Context, j *river.Job[job.Reply]) error {
	next, err := w.replier.Reply(ctx, j.Args.PersonID).Get()
	switch {
	case err == nil && next.After > 0:
		return river.JobSnooze(next.After)
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, whatsapp.ErrOvertaken):
		return river.JobSnooze(firstRetry)
	}
	problem := fault.Of(err)
	if problem.Kind == fault.Internal {
		w.log.ErrorContext(ctx, "a reply failed", slog.Int64("person", j.Args.PersonID), slog.Any("error", err))
		return err
	}
	wait := max(backoff(time.Since(j.CreatedAt)), problem.RetryAfter)
	w.log.WarnContext(ctx, "a reply must wait", slog.Int64("person", j.Args.PersonID),
		slog.Duration("wait", wait), slog.Any("error", err))
	return river.JobSnooze(wait)
}

// backoff grows with the age of the job, so that a long outage is asked after
// once a minute, and scatters, so that not everybody asks at once.
func backoff(age time.Duration) time.Duration {
	wait := min(max(age/4, firstRetry), lastRetry)
	return wait/2 + rand.N(wait)
}
