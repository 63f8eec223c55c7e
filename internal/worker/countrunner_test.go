package worker

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type counterFunc func(ctx context.Context) (more bool, err error)

func (f counterFunc) Count(ctx context.Context) (bool, error) { return f(ctx) }

// runCounts runs a CountRunner for span, in synctest's fake time. It returns when
// Count was called, counted from Start, and the log.
func runCounts(t *testing.T, span time.Duration, count counterFunc) (calls []time.Duration, log string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		start := time.Now()
		runner := NewCountRunner(counterFunc(func(ctx context.Context) (bool, error) {
			calls = append(calls, time.Since(start))
			return count(ctx)
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
	return calls, log
}

func TestCountRunner_Start(t *testing.T) {
	t.Parallel()
	t.Run("counts_every_five_seconds_and_at_once_while_there_is_more", func(t *testing.T) {
		t.Parallel()
		calls := 0
		got, log := runCounts(t, 11*time.Second, func(context.Context) (bool, error) {
			calls++
			return calls == 2 || calls == 3, nil
		})
		want := []time.Duration{0, countInterval, countInterval, countInterval, 2 * countInterval}
		if !slices.Equal(got, want) {
			t.Errorf("got calls at %v, want %v", got, want)
		}
		if log != "" {
			t.Errorf("got log %q, want none", log)
		}
	})
	t.Run("counts_again_after_error", func(t *testing.T) {
		t.Parallel()
		calls, log := runCounts(t, 6*time.Second, func(context.Context) (bool, error) {
			return true, errors.New("database is down")
		})
		if warnings := strings.Count(log, "level=WARN"); len(calls) != 2 || warnings != 2 {
			t.Errorf("got calls at %v and %d warnings, want 2 and 2; log:\n%s", calls, warnings, log)
		}
	})
}

func TestCountRunner_Stop(t *testing.T) {
	t.Parallel()
	_, log := runCounts(t, time.Second, func(ctx context.Context) (bool, error) {
		<-ctx.Done()
		return true, ctx.Err()
	})
	if log != "" {
		t.Errorf("got log %q for a canceled pass, want none", log)
	}
}
