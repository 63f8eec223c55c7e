package worker

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"aisha/internal/fault"
	"aisha/internal/job"
	"aisha/internal/service/whatsapp"
)

const (
	minRetry = time.Second
	maxRetry = time.Minute
	// minPermanentRetry is the first pause after a failure that will not pass by
	// itself. Each later one is twice the age of the job, up to maxPermanentRetry: 5,
	// 10, 30 and 90 seconds. Each has up to a quarter of jitter.
	minPermanentRetry = 5 * time.Second
	maxPermanentRetry = 2 * time.Minute
	// maxRetryAfter limits the wait that the model asks for, because the person's
	// other messages wait too, even a STOP that needs no model.
	maxRetryAfter = 5 * time.Minute
	// pruneRetriesAbove is how many persons retryAt may have before entries in
	// the past are removed.
	pruneRetriesAbove = 1000
)

// answerPersonWorker runs the jobs that answer persons. It remembers the persons
// that must wait for a retry: ten messages of a person make ten jobs, and after
// one has failed the others would fail too.
type answerPersonWorker struct {
	river.WorkerDefaults[job.AnswerPerson]
	answerer Answerer
	known    *knownJobs
	log      *slog.Logger

	mu      sync.Mutex
	retryAt map[int64]time.Time // by person id
}

func newAnswerPersonWorker(answerer Answerer, known *knownJobs, log *slog.Logger) *answerPersonWorker {
	return &answerPersonWorker{answerer: answerer, known: known, log: log, retryAt: make(map[int64]time.Time)}
}

// Work implements river.Worker. A temporary fault snoozes the job without a
// limit, because the service decides what has waited for too long. An
// unclassified error is a bug: River keeps it for the operator and retries with
// its own back-off.
func (w *answerPersonWorker) Work(ctx context.Context, j *river.Job[job.AnswerPerson]) error {
	personID := j.Args.PersonID
	if wait := w.waitOf(personID); wait > 0 {
		return river.JobSnooze(wait)
	}
	w.known.begin(j.ID)
	defer w.known.end(j.ID)

	next, err := w.answerer.AnswerPerson(ctx, personID, interruptions(j.JobRow)).Get()
	switch {
	case err == nil && next.After > 0:
		return river.JobSnooze(next.After)
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, whatsapp.ErrAlreadyDone):
		return river.JobSnooze(minRetry)
	}
	failure := fault.Of(err)
	if failure.Kind == fault.Internal {
		w.log.ErrorContext(ctx, "answering a person failed; the queue retries it", slog.Int64("person_id", personID), slog.Any("error", err))
		return err
	}
	wait := min(max(retryDelay(time.Since(j.CreatedAt), failure.Transient), failure.RetryAfter), maxRetryAfter)
	w.delayPerson(personID, wait)
	w.log.WarnContext(ctx, "answering a person postponed", slog.Int64("person_id", personID), slog.Duration("wait", wait), slog.Any("error", err))
	return river.JobSnooze(wait)
}

// waitOf returns how long a person must wait for a retry.
func (w *answerPersonWorker) waitOf(personID int64) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if wait := time.Until(w.retryAt[personID]); wait > 0 {
		return wait
	}
	delete(w.retryAt, personID)
	return 0
}

func (w *answerPersonWorker) delayPerson(personID int64, wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if len(w.retryAt) > pruneRetriesAbove {
		maps.DeleteFunc(w.retryAt, func(_ int64, at time.Time) bool { return at.Before(now) })
	}
	w.retryAt[personID] = now.Add(wait)
}

// interruptions returns how often a process ended while it ran the job. River
// counts every fetch as an attempt, stores an error for each attempt that failed,
// and does not count an attempt that was snoozed.
func interruptions(j *rivertype.JobRow) int {
	return max(j.Attempt-1-len(j.Errors), 0)
}

// retryDelay grows with the age of the job, with jitter, so that after a long
// outage not all jobs run at the same moment. After a transient failure it is at
// most a minute and a half.
func retryDelay(age time.Duration, transient bool) time.Duration {
	if !transient {
		wait := min(max(2*age, minPermanentRetry), maxPermanentRetry)
		return wait + rand.N(wait/4)
	}
	wait := min(max(age/4, minRetry), maxRetry)
	return wait/2 + rand.N(wait)
}
