package worker

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type retentionFunc func(ctx context.Context, pause func(context.Context, time.Duration)) (map[string]int64, error)

func (f retentionFunc) DeleteExpired(ctx context.Context, pause func(context.Context, time.Duration)) (map[string]int64, error) {
	return f(ctx, pause)
}

// runRetention runs a RetentionRunner for span, in synctest's fake time. It
// returns when each run started, counted from Start, and the log.
func runRetention(t *testing.T, span time.Duration, deleteExpired retentionFunc) (runs []time.Duration, log string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		start := time.Now()
		runner := NewRetentionRunner(retentionFunc(func(ctx context.Context, pause func(context.Context, time.Duration)) (map[string]int64, error) {
			runs = append(runs, time.Since(start))
			return deleteExpired(ctx, pause)
		}), slog.New(slog.NewTextHandler(&out, nil)))
		runner.Start(t.Context())
		time.Sleep(span)
		stopping := time.Now()
		if err := runner.Stop(t.Context()); err != nil {
			t.Errorf("Stop: got error %v, want none", err)
		}
		if took := time.Since(stopping); took > 0 {
			t.Errorf("Stop took %v, want 0", took)
		}
		log = out.String()
	})
	return runs, log
}

func TestRetentionRunner_Start(t *testing.T) {
	t.Parallel()
	t.Run("runs_after_delay_and_then_hourly", func(t *testing.T) {
		t.Parallel()
		runs, log := runRetention(t, 3*time.Hour, func(context.Context, func(context.Context, time.Duration)) (map[string]int64, error) {
			return map[string]int64{"part": 0}, nil
		})
		if len(runs) != 3 || runs[0] != retentionStartDelay || runs[2]-runs[1] != retentionInterval {
			t.Errorf("got runs at %v, want 3, the first at %v, then every %v", runs, retentionStartDelay, retentionInterval)
		}
		if log != "" {
			t.Errorf("got log %q, want none for runs that deleted nothing", log)
		}
	})
	t.Run("runs_again_after_error", func(t *testing.T) {
		t.Parallel()
		runs, log := runRetention(t, 2*time.Hour, func(context.Context, func(context.Context, time.Duration)) (map[string]int64, error) {
			return nil, errors.New("database is down")
		})
		if warnings := strings.Count(log, "level=WARN"); len(runs) != 2 || warnings != 2 {
			t.Errorf("got runs at %v and %d warnings, want 2 and 2; log:\n%s", runs, warnings, log)
		}
	})
	t.Run("pauses_after_each_step", func(t *testing.T) {
		t.Parallel()
		for _, took := range []time.Duration{0, time.Millisecond, time.Second} {
			var paused time.Duration
			runRetention(t, time.Hour, func(ctx context.Context, pause func(context.Context, time.Duration)) (map[string]int64, error) {
				started := time.Now()
				pause(ctx, took)
				paused = time.Since(started)
				return nil, nil
			})
			if want := max(minPause, pauseFactor*took); paused < want {
				t.Errorf("after a step of %v: got a pause of %v, want at least %v", took, paused, want)
			}
		}
	})
}

func TestRetentionRunner_Stop(t *testing.T) {
	t.Parallel()
	cancelled := false
	_, log := runRetention(t, time.Hour, func(ctx context.Context, pause func(context.Context, time.Duration)) (map[string]int64, error) {
		pause(ctx, time.Hour)
		cancelled = ctx.Err() != nil
		return map[string]int64{"part": 3, "answer": 2, "person": 0}, ctx.Err()
	})
	if !cancelled {
		t.Error("got a run that continued, want it cancelled")
	}
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, "rows.answer=2 rows.part=3 took=") {
		t.Errorf("got log %q, want one line with the deleted rows by table", log)
	}
}
