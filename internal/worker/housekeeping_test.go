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

type pruner func(ctx context.Context, pause func(context.Context, time.Duration)) (map[string]int64, error)

func (p pruner) Prune(ctx context.Context, pause func(context.Context, time.Duration)) (map[string]int64, error) {
	return p(ctx, pause)
}

// keepHouse runs rounds for some time, which does not really pass, and returns
// when each began and what was logged.
func keepHouse(t *testing.T, span time.Duration, prune pruner) (rounds []time.Duration, log string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		start := time.Now()
		h := NewHousekeeping(pruner(func(ctx context.Context, pause func(context.Context, time.Duration)) (map[string]int64, error) {
			rounds = append(rounds, time.Since(start))
			return prune(ctx, pause)
		}), slog.New(slog.NewTextHandler(&out, nil)))
		h.Start(t.Context())
		time.Sleep(span)
		stopping := time.Now()
		if err := h.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(stopping); took > 0 {
			t.Errorf("the stop took %v", took)
		}
		log = out.String()
	})
	return rounds, log
}

func TestARoundComesAfterAWhileAndThenEveryHour(t *testing.T) {
	t.Parallel()
	rounds, log := keepHouse(t, 3*time.Hour, func(context.Context, func(context.Context, time.Duration)) (map[string]int64, error) {
		return map[string]int64{"part": 0}, nil
	})
	if len(rounds) != 3 || rounds[0] != pruneFirst || rounds[2]-rounds[1] != pruneEvery {
		t.Errorf("rounds at %v", rounds)
	}
	if log != "" {
		t.Errorf("rounds that deleted nothing are logged: %s", log)
	}
}

func TestTheDeletionRestsMostOfTheTime(t *testing.T) {
	t.Parallel()
	for _, took := range []time.Duration{0, time.Millisecond, time.Second} {
		var rested time.Duration
		keepHouse(t, time.Hour, func(ctx context.Context, pause func(context.Context, time.Duration)) (map[string]int64, error) {
			began := time.Now()
			pause(ctx, took)
			rested = time.Since(began)
			return nil, nil
		})
		if rested < pruneRest || rested < pruneShare*took {
			t.Errorf("after %v of work it rests for %v", took, rested)
		}
	}
}

func TestAStopBreaksARoundOff(t *testing.T) {
	t.Parallel()
	broken := false
	_, log := keepHouse(t, time.Hour, func(ctx context.Context, pause func(context.Context, time.Duration)) (map[string]int64, error) {
		pause(ctx, time.Hour)
		broken = ctx.Err() != nil
		return map[string]int64{"part": 3, "answer": 2, "person": 0}, ctx.Err()
	})
	if !broken {
		t.Error("the round went on")
	}
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, "rows.answer=2 rows.part=3 took=") {
		t.Errorf("got %q, want one line with what was deleted", log)
	}
}

func TestAfterAFailureTheNextRoundComes(t *testing.T) {
	t.Parallel()
	rounds, log := keepHouse(t, 2*time.Hour, func(context.Context, func(context.Context, time.Duration)) (map[string]int64, error) {
		return nil, errors.New("away")
	})
	if len(rounds) != 2 || strings.Count(log, "level=WARN") != 2 {
		t.Errorf("rounds at %v, log %q", rounds, log)
	}
}
