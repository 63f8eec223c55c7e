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
	"aisha/internal/service/operation"
)

// runFunc implements Operations.
type runFunc func(ctx context.Context, id int64) (operation.State, error)

func (f runFunc) Run(ctx context.Context, id int64) resource.Resource[operation.State] {
	return resource.From(f(ctx, id))
}

func workOperation(t *testing.T, w *runOperationWorker) error {
	t.Helper()
	return w.Work(t.Context(), &river.Job[job.RunOperation]{
		JobRow: &rivertype.JobRow{ID: 42, CreatedAt: time.Now()},
		Args:   job.RunOperation{OperationID: 7},
	})
}

func TestRunOperationWorker_Work_stop(t *testing.T) {
	t.Parallel()
	stopping := make(chan struct{})
	w := &runOperationWorker{known: newKnownJobs(), stopping: stopping, log: slog.New(slog.DiscardHandler), operations: runFunc(
		func(ctx context.Context, _ int64) (operation.State, error) {
			close(stopping)
			<-ctx.Done() // the operation goes on until it is interrupted
			return "", ctx.Err()
		})}
	if err := workOperation(t, w); snoozeOf(err) == 0 {
		t.Errorf("Work = %v, want the job snoozed", err)
	}
}

func TestRunOperationWorker_Work(t *testing.T) {
	t.Parallel()
	bug := errors.New("a bug")
	for name, tt := range map[string]struct {
		err       error
		snoozed   bool
		fails     bool // Work returns the error, so that River retries the job
		cancelled bool // River does not run the job again
	}{
		"ended":               {},
		"cancelled_by_a_stop": {err: context.Canceled, snoozed: true},
		"unavailable":         {err: fault.New(fault.Unavailable, "down"), snoozed: true},
		"bug":                 {err: bug, fails: true},
		"does_not_exist":      {err: fault.New(fault.NotFound, "m"), cancelled: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			known := newKnownJobs()
			w := &runOperationWorker{known: known, log: slog.New(slog.DiscardHandler), operations: runFunc(func(_ context.Context, id int64) (operation.State, error) {
				if id != 7 || !slices.Equal(known.ids(), []int64{42}) {
					t.Errorf("operation %d runs and the known jobs are %v, want 7 and the job 42", id, known.ids())
				}
				return operation.Succeeded, tt.err
			})}
			err := workOperation(t, w)
			var cancel *rivertype.JobCancelError
			if got := errors.As(err, &cancel); got != tt.cancelled {
				t.Errorf("Work = %v, want the job cancelled: %t", err, tt.cancelled)
			}
			if got := snoozeOf(err) > 0; got != tt.snoozed {
				t.Errorf("Work = %v, want the job snoozed: %t", err, tt.snoozed)
			}
			if tt.fails != errors.Is(err, bug) || !tt.fails && !tt.snoozed && !tt.cancelled && err != nil {
				t.Errorf("Work = %v, want the error: %t", err, tt.fails)
			}
			if ids := known.ids(); len(ids) != 0 {
				t.Errorf("known jobs after Work: %v, want none", ids)
			}
		})
	}
}
