package worker

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/riverqueue/river/rivertype"
)

func TestNewRiverLog(t *testing.T) {
	t.Parallel()
	for level, want := range map[slog.Level]int{slog.LevelInfo: 0, slog.LevelDebug: 4} {
		var out strings.Builder
		log := newRiverLog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level})))
		log.Debug("a")
		log.Info("b")
		log.With("x", 1).Warn("c")
		log.WithGroup("g").Error("d", "y", 2)
		if got := strings.Count(out.String(), "level=DEBUG"); got != want || strings.Count(out.String(), "\n") != want {
			t.Errorf("level %v: got %q, want %d lines at debug", level, out.String(), want)
		}
	}
}

func TestPanicLogger(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	logger := panicLogger{slog.New(slog.NewTextHandler(&out, nil))}
	if result := logger.HandlePanic(t.Context(), &rivertype.JobRow{ID: 7, Kind: "answer_person"}, "boom", "stack of the job"); result != nil {
		t.Errorf("HandlePanic = %v, want nil: the queue retries", result)
	}
	for _, want := range []string{"level=ERROR", "job_id=7", "panic=boom", `stack="stack of the job"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %q, want a line with %q", out.String(), want)
		}
	}
	out.Reset()
	if result := logger.HandleError(t.Context(), &rivertype.JobRow{}, nil); result != nil || out.String() != "" {
		t.Errorf("HandleError = %v and logged %q, want neither", result, out.String())
	}
}
