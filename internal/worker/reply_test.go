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

type replier func(person int64) (whatsapp.Next, error)

func (r replier) Reply(_ context.Context, person int64) resource.Resource[whatsapp.Next] {
	return resource.From(r(person))
}

func work(w *replyWorker, id, person int64) error {
	return w.Work(context.Background(), &river.Job[job.Reply]{
		JobRow: &rivertype.JobRow{ID: id, CreatedAt: time.Now()}, Args: job.Reply{PersonID: person},
	})
}

// snoozed is for how long the queue was told to put the job off; zero where it
// was not.
func snoozed(err error) time.Duration {
	var snooze *river.JobSnoozeError
	if errors.As(err, &snooze) {
		return snooze.Duration
	}
	return 0
}

func TestWhatTheQueueIsTold(t *testing.T) {
	t.Parallel()
	bug := errors.New("a bug")
	patient := fault.New(fault.Upstream, "busy")
	patient.RetryAfter = 2 * time.Minute
	endless := fault.New(fault.Upstream, "no more today")
	endless.RetryAfter = 24 * time.Hour
	tests := map[string]struct {
		next     whatsapp.Next
		err      error
		min, max time.Duration // of the snooze
		fails    bool          // the queue is told of the error
	}{
		"done":                   {},
		"to be continued":        {next: whatsapp.Next{After: time.Minute}, min: time.Minute, max: time.Minute},
		"a fault that may pass":  {err: fault.New(fault.Unavailable, "away"), min: firstRetry / 2, max: 2 * firstRetry},
		"a fault that says when": {err: patient, min: 2 * time.Minute, max: 2 * time.Minute},
		"one that says tomorrow": {err: endless, min: longestRetry, max: longestRetry},
		"overtaken by another":   {err: whatsapp.ErrOvertaken, min: firstRetry, max: firstRetry},
		"cancelled by a stop":    {err: context.Canceled, min: firstRetry, max: firstRetry},
		"what nobody classified": {err: bug, fails: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newReplyWorker(replier(func(int64) (whatsapp.Next, error) { return tt.next, tt.err }), slog.New(slog.DiscardHandler))
			err := work(w, 1, 7)
			if got := snoozed(err); got < tt.min || got > tt.max {
				t.Errorf("put off for %v, want %v to %v", got, tt.min, tt.max)
			}
			if tt.fails != errors.Is(err, bug) || tt.max == 0 && !tt.fails && err != nil {
				t.Errorf("the queue is told %v", err)
			}
			if left := w.working(); len(left) != 0 {
				t.Errorf("jobs %v are still being worked on", left)
			}
		})
	}
}

func TestOneFailureSpeaksForAllJobsOfItsPerson(t *testing.T) {
	t.Parallel()
	var asked []int64
	w := newReplyWorker(replier(func(person int64) (whatsapp.Next, error) {
		asked = append(asked, person)
		return whatsapp.Next{}, fault.New(fault.Unavailable, "away")
	}), slog.New(slog.DiscardHandler))
	for id := range int64(3) {
		if snoozed(work(w, id, 7)) == 0 {
			t.Errorf("job %d is not put off", id)
		}
	}
	_ = work(w, 4, 8)
	if !slices.Equal(asked, []int64{7, 8}) {
		t.Errorf("asked for %v, want each person once", asked)
	}
}

func TestJobsAtWorkAreKnown(t *testing.T) {
	t.Parallel()
	var w *replyWorker
	w = newReplyWorker(replier(func(int64) (whatsapp.Next, error) {
		if at := w.working(); !slices.Equal(at, []int64{42}) {
			t.Errorf("at work: %v", at)
		}
		return whatsapp.Next{}, nil
	}), slog.New(slog.DiscardHandler))
	if err := work(w, 42, 7); err != nil {
		t.Error(err)
	}
}
