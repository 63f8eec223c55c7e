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
	// longJob separates jobs that can look like orphans from shorter ones, which
	// cannot: Orphans ignores jobs that were fetched less than 15 seconds ago.
	longJob = 5 * time.Second
	// completionDelay is how long River may take to store the end of a job.
	completionDelay = 30 * time.Second
)

// answerPersonWorker runs the jobs that answer persons. It remembers the persons
// that must wait for a retry: ten messages of a person make ten jobs, and after
// one has failed the others would fail too.
type answerPersonWorker struct {
	river.WorkerDefaults[job.AnswerPerson]
	answerer Answerer
	log      *slog.Logger

	mu       sync.Mutex
	running  map[int64]time.Time // start, by job id
	finished map[int64]time.Time // end of long jobs, by job id; see knownJobs
	retryAt  map[int64]time.Time // by person id
}

func newAnswerPersonWorker(answerer Answerer, log *slog.Logger) *answerPersonWorker {
	return &answerPersonWorker{
		answerer: answerer,
		log:      log,
		running:  make(map[int64]time.Time),
		finished: make(map[int64]time.Time),
		retryAt:  make(map[int64]time.Time),
	}
}

// Work implements river.Worker. A temporary fault snoozes the job without a
// limit, because the service decides what has waited for too long. An
// unclassified error is a bug: River keeps it for the operator and retries with
// its own back-off.
func (w *answerPersonWorker) Work(ctx context.Context, j *river.Job[job.AnswerPerson]) error {
	personID := j.Args.PersonID
	if wait := w.begin(j.ID, personID); wait > 0 {
		return river.JobSnooze(wait)
	}
	defer w.end(j.ID)

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

// begin records that the job runs, or returns how long its person must wait.
func (w *answerPersonWorker) begin(jobID, personID int64) (wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if wait = time.Until(w.retryAt[personID]); wait > 0 {
		return wait
	}
	delete(w.retryAt, personID)
	w.running[jobID] = time.Now()
	return 0
}

func (w *answerPersonWorker) end(jobID int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if now.Sub(w.running[jobID]) > longJob {
		w.finished[jobID] = now
	}
	delete(w.running, jobID)
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

// knownJobs returns the ids of the jobs that run, and of long ones that ended
// recently: River stores the end of a job a moment later, and until then the job
// looks like an orphan.
func (w *answerPersonWorker) knownJobs() []int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(w.finished, func(_ int64, end time.Time) bool { return now.Sub(end) > completionDelay })
	return slices.AppendSeq(slices.Collect(maps.Keys(w.running)), maps.Keys(w.finished))
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
