package telemetry

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNewLog_format(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"":     `"msg":"job failed","took":"1.5s"`, // a file is no terminal
		"json": `"msg":"job failed","took":"1.5s"`,
		"text": `level=WARN msg="job failed" took=1.5s`,
	} {
		path := filepath.Join(t.TempDir(), "log")
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		log := NewLog(file, LogOptions{Format: format})
		log.Debug("not logged")
		log.Warn("job failed", "took", 1500*time.Millisecond)
		got, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(got), want) || strings.Count(string(got), "\n") != 1 {
			t.Errorf("format %q: got %q, error %v, want one line with %q", format, got, err, want)
		}
	}
}

func TestTerminalHandler(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	log := slog.New(newTerminalHandler(&out, slog.LevelInfo))
	log.Debug("not logged")
	log.Info("serving", "address", "127.0.0.1:8000")
	log.With("instance", "a").WithGroup("g").Warn("two words", "time", "x y", "took", time.Minute)
	log.Error("line", "error", errors.New("one\ntwo\x1b[31m"))
	lines := strings.Split(out.String(), "\n")
	for i, want := range []string{
		"INFO  serving address=127.0.0.1:8000",
		`WARN  two words instance=a g.time="x y" g.took=1m0s`,
		`ERROR line error="one\ntwo\x1b[31m"`,
		"",
	} {
		got := lines[i]
		if want != "" {
			_, got, _ = strings.Cut(got, " ")
		}
		if got != want {
			t.Errorf("line %d: got %q, want the time and %q", i+1, lines[i], want)
		}
	}
}

func TestOutageHandler(t *testing.T) {
	t.Parallel()
	outage := errors.New("database is down")
	isOutage := func(err error) bool { return errors.Is(err, outage) }
	line := func(handler slog.Handler, at time.Duration, level slog.Level, attrs ...slog.Attr) {
		record := slog.NewRecord(time.Unix(0, 0).Add(at), level, "failed", 0)
		record.AddAttrs(attrs...)
		if handler.Enabled(t.Context(), level) {
			_ = handler.Handle(t.Context(), record)
		}
	}
	failure := slog.Any("error", fmt.Errorf("heartbeat: %w", outage))
	other := slog.Any("error", io.EOF)

	var out strings.Builder
	handler := newOutageHandler(slog.NewTextHandler(&out, nil), isOutage)
	line(handler, time.Hour, slog.LevelWarn, failure)
	for i := range 100 {
		line(handler, time.Hour+time.Duration(i)*500*time.Millisecond, slog.LevelError, slog.Int("status", 503), failure)
		line(handler.WithAttrs([]slog.Attr{slog.Int("x", 1)}).WithGroup("g"), time.Hour+time.Second, slog.LevelWarn, failure)
	}
	if got := strings.Count(out.String(), "\n"); got != 1 {
		t.Errorf("got %d lines within a minute, want 1:\n%s", got, out.String())
	}
	line(handler, time.Hour, slog.LevelWarn, other)
	line(handler, time.Hour, slog.LevelInfo, slog.String("error", "x"))
	if got := strings.Count(out.String(), "\n"); got != 3 {
		t.Errorf("got %d lines, want one more for each of the two other ones:\n%s", got, out.String())
	}
	line(handler, time.Hour+time.Minute, slog.LevelWarn, failure)
	if got := out.String(); strings.Count(got, "\n") != 4 || !strings.HasSuffix(got, "similar_lines_omitted=200\n") {
		t.Errorf("got %q, want one more line after a minute, with the number of those that were omitted", got)
	}

	out.Reset()
	handler = newOutageHandler(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}), isOutage)
	for range 3 {
		line(handler, time.Hour, slog.LevelError, failure)
	}
	if got := out.String(); strings.Count(got, "level=ERROR") != 1 || strings.Count(got, "level=DEBUG") != 2 {
		t.Errorf("got %q at level debug, want one error and two debug lines", got)
	}
}
