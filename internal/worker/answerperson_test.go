package worker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"aisha/internal/fault"
	"aisha/internal/job"
	"aisha/internal/resource"
	"aisha/internal/service/whatsapp"
)

// answerFunc implements Answerer.
type answerFunc func(personID int64) (whatsapp.Next, error)

func (f answerFunc) AnswerPerson(_ context.Context, personID int64, _ int) resource.Resource[whatsapp.Next] {
	return resource.From(f(personID))
}

func newTestWorker(answer answerFunc) *answerPersonWorker {
	return newAnswerPersonWorker(answer, newKnownJobs(), slog.New(slog.DiscardHandler))
}

func work(w *answerPersonWorker, jobID, personID int64) error {
	return w.Work(context.Background(), &river.Job[job.AnswerPerson]{
		JobRow: &rivertype.JobRow{ID: jobID, CreatedAt: time.Now()},
		Args:   job.AnswerPerson{PersonID: personID},
	})
}

// snoozeOf returns how long the job is snoozed, and zero where it is not.
func snoozeOf(err error) time.Duration {
	var snooze *river.JobSnoozeError
	if errors.As(err, &snooze) {
		return snooze.Duration
	}
	return 0
}

func TestAnswerPersonWorker_Work(t *testing.T) {
	t.Parallel()
	bug := errors.New("a bug")
	retryAfterMinutes := fault.New(fault.Upstream, "busy")
	retryAfterMinutes.RetryAfter = 2 * time.Minute
	retryAfterDay := fault.New(fault.Upstream, "daily quota exceeded")
	retryAfterDay.RetryAfter = 24 * time.Hour
	tests := map[string]struct {
		next      whatsapp.Next
		err       error
		minSnooze time.Duration
		maxSnooze time.Duration
		fails     bool // Work returns err
	}{
		"nothing_left":          {},
		"look_again_later":      {next: whatsapp.Next{After: time.Minute}, minSnooze: time.Minute, maxSnooze: time.Minute},
		"temporary_fault":       {err: fault.New(fault.Unavailable, "down"), minSnooze: minRetry / 2, maxSnooze: 2 * minRetry},
		"fault_with_retry_time": {err: retryAfterMinutes, minSnooze: 2 * time.Minute, maxSnooze: 2 * time.Minute},
		"retry_time_is_limited": {err: retryAfterDay, minSnooze: maxRetryAfter, maxSnooze: maxRetryAfter},
		"already_done":          {err: whatsapp.ErrAlreadyDone, minSnooze: minRetry, maxSnooze: minRetry},
		"cancelled_by_a_stop":   {err: context.Canceled, minSnooze: minRetry, maxSnooze: minRetry},
		"unclassified_error":    {err: bug, fails: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestWorker(func(int64) (whatsapp.Next, error) { return tt.next, tt.err })
			err := work(w, 1, 7)
			if got := snoozeOf(err); got < tt.minSnooze || got > tt.maxSnooze {
				t.Errorf("snoozed for %v, want %v to %v", got, tt.minSnooze, tt.maxSnooze)
			}
			if tt.fails != errors.Is(err, bug) || tt.maxSnooze == 0 && !tt.fails && err != nil {
				t.Errorf("Work = %v, want the error: %t", err, tt.fails)
			}
			if known := w.known.ids(); len(known) != 0 {
				t.Errorf("known jobs after Work: %v, want none", known)
			}
		})
	}
}

func TestAnswerPersonWorker_Work_delaysOtherJobsOfThePerson(t *testing.T) {
	t.Parallel()
	var answered []int64
	w := newTestWorker(func(personID int64) (whatsapp.Next, error) {
		answered = append(answered, personID)
		return whatsapp.Next{}, fault.New(fault.Unavailable, "down")
	})
	for jobID := range int64(3) {
		if snoozeOf(work(w, jobID, 7)) == 0 {
			t.Errorf("job %d is not snoozed, want a snooze", jobID)
		}
	}
	_ = work(w, 4, 8)
	if want := []int64{7, 8}; !slices.Equal(answered, want) {
		t.Errorf("answered persons %v, want %v", answered, want)
	}
}

func TestAnswerPersonWorker_knownJobs(t *testing.T) {
	t.Parallel()
	var w *answerPersonWorker
	w = newTestWorker(func(int64) (whatsapp.Next, error) {
		if got, want := w.known.ids(), []int64{42}; !slices.Equal(got, want) {
			t.Errorf("known jobs during Work: %v, want %v", got, want)
		}
		w.known.running[42] = time.Now().Add(-2 * longJob)
		return whatsapp.Next{}, nil
	})
	if err := work(w, 42, 7); err != nil {
		t.Errorf("Work = %v, want no error", err)
	}
	if got, want := w.known.ids(), []int64{42}; !slices.Equal(got, want) {
		t.Errorf("known jobs after a long job: %v, want %v", got, want)
	}
	w.known.finished[42] = time.Now().Add(-2 * completionDelay)
	if got := w.known.ids(); len(got) != 0 {
		t.Errorf("known jobs after the delay: %v, want none", got)
	}
}

func TestAnswerPersonWorker_delayPerson_removesPastEntries(t *testing.T) {
	t.Parallel()
	w := newTestWorker(nil)
	for personID := range int64(pruneRetriesAbove + 1) {
		w.delayPerson(personID, -time.Minute)
	}
	w.delayPerson(-1, time.Minute)
	if got := len(w.retryAt); got != 1 {
		t.Errorf("%d persons have a retry time, want 1", got)
	}
}

func TestAnswerPersonWorker_Work_interruptions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		attempt, errors, want int
	}{
		"first_run":                    {1, 0, 0},
		"process_ended_during_a_run":   {2, 0, 1},
		"run_failed":                   {2, 1, 0},
		"three_interruptions":          {4, 0, 3},
		"interruptions_between_errors": {6, 3, 2},
		"attempts_are_unknown":         {0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := -1
			w := newAnswerPersonWorker(interruptionRecorder{&got}, newKnownJobs(), slog.New(slog.DiscardHandler))
			err := w.Work(t.Context(), &river.Job[job.AnswerPerson]{
				JobRow: &rivertype.JobRow{ID: 1, CreatedAt: time.Now(), Attempt: tt.attempt, Errors: make([]rivertype.AttemptError, tt.errors)},
			})
			if err != nil || got != tt.want {
				t.Errorf("AnswerPerson got %d interruptions, and Work = %v; want %d and no error", got, err, tt.want)
			}
		})
	}
}

// interruptionRecorder implements Answerer.
type interruptionRecorder struct{ interruptions *int }

func (r interruptionRecorder) AnswerPerson(_ context.Context, _ int64, interruptions int) resource.Resource[whatsapp.Next] {
	*r.interruptions = interruptions
	return resource.Success(whatsapp.Next{})
}

// A question whose failure will not pass by itself is asked five times: at once
// and after each pause that begins within permanentFailurePeriod.
func TestRetryDelay_permanent(t *testing.T) {
	t.Parallel()
	const untilApology = 2 * time.Minute
	for range 100 {
		attempts, age := 1, time.Duration(0)
		for ; age <= untilApology; attempts++ {
			age += retryDelay(age, false) + time.Second // of the call
		}
		if attempts < 4 || attempts > 5 || age > 5*time.Minute {
			t.Fatalf("%d attempts within %v, want 4 or 5 within 5m", attempts, age)
		}
	}
}

func TestAnswerPersonWorker_Work_permanentFailure(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		age      time.Duration // of the job
		min, max time.Duration
	}{
		"first":         {0, minPermanentRetry, 2 * minPermanentRetry},
		"after_minutes": {time.Minute, 2 * time.Minute, 3 * time.Minute},
		"after_hours":   {12 * time.Hour, maxPermanentRetry, 2 * maxPermanentRetry},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestWorker(func(int64) (whatsapp.Next, error) { return whatsapp.Next{}, fault.New(fault.Upstream, "bad key") })
			err := w.Work(t.Context(), &river.Job[job.AnswerPerson]{JobRow: &rivertype.JobRow{ID: 1, CreatedAt: time.Now().Add(-tt.age)}})
			if got := snoozeOf(err); got < tt.min || got > tt.max {
				t.Errorf("snoozed for %v, want %v to %v", got, tt.min, tt.max)
			}
		})
	}
}
