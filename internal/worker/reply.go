package worker

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"aisha/internal/fault"
	"aisha/internal/job"
	"aisha/internal/service/whatsapp"
)

const (
	firstRetry = time.Second
	lastRetry  = time.Minute
	// longestRetry bounds what an upstream may ask for: what needs no model waits
	// along, such as a word that nothing more is wanted.
	longestRetry = 5 * time.Minute
	// forgetAbove is how many persons must wait before those are forgotten who
	// need not any more.
	forgetAbove = 1000
)

// replyWorker answers persons. It remembers what it is at, and whom asking the
// model again would not help yet: a person who wrote ten messages has ten jobs,
// and the first to fail speaks for all of them.
type replyWorker struct {
	river.WorkerDefaults[job.Reply]
	replier Replier
	log     *slog.Logger

	mu    sync.Mutex
	jobs  map[int64]struct{}  // by job, being worked on
	after map[int64]time.Time // by person, when to try again
}

func newReplyWorker(replier Replier, log *slog.Logger) *replyWorker {
	return &replyWorker{replier: replier, log: log, jobs: make(map[int64]struct{}), after: make(map[int64]time.Time)}
}

// Work implements river.Worker. A fault that may pass puts the job off, without
// an end: what waits too long is the service's to decide. An error that nobody
// classified is a bug and goes to the queue, which keeps it for the operator
// and tries again ever more rarely.
func (w *replyWorker) Work(ctx context.Context, j *river.Job[job.Reply]) error {
	person := j.Args.PersonID
	if wait := w.begin(j.ID, person); wait > 0 {
		return river.JobSnooze(wait)
	}
	defer w.end(j.ID)

	next, err := w.replier.Reply(ctx, person).Get()
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
		w.log.ErrorContext(ctx, "a reply failed", slog.Int64("person", person), slog.Any("error", err))
		return err
	}
	wait := max(backoff(time.Since(j.CreatedAt)), min(problem.RetryAfter, longestRetry))
	w.putOff(person, wait)
	w.log.WarnContext(ctx, "a reply must wait", slog.Int64("person", person), slog.Duration("wait", wait), slog.Any("error", err))
	return river.JobSnooze(wait)
}

// begin notes that the job is being worked on, unless its person must wait.
func (w *replyWorker) begin(jobID, person int64) (wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if wait = time.Until(w.after[person]); wait > 0 {
		return wait
	}
	delete(w.after, person)
	w.jobs[jobID] = struct{}{}
	return 0
}

func (w *replyWorker) end(jobID int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.jobs, jobID)
}

func (w *replyWorker) putOff(person int64, wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if len(w.after) > forgetAbove {
		maps.DeleteFunc(w.after, func(_ int64, at time.Time) bool { return at.Before(now) })
	}
	w.after[person] = now.Add(wait)
}

// working are the jobs being worked on.
func (w *replyWorker) working() []int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.jobs))
}

// backoff grows with the age of the job, so that a long outage is asked after
// once a minute, and scatters, so that not everybody asks at once.
func backoff(age time.Duration) time.Duration {
	wait := min(max(age/4, firstRetry), lastRetry)
	return wait/2 + rand.N(wait)
}
