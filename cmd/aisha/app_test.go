package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"
)

// recorded returns a component that adds its starts and stops to events.
func recorded(events *[]string, name string, startErr error) component {
	return component{
		name:  name,
		start: func(context.Context) error { *events = append(*events, "start "+name); return startErr },
		stop:  func(context.Context) error { *events = append(*events, "stop "+name); return nil },
	}
}

func newTestApp() *app { return &app{log: slog.New(slog.DiscardHandler)} }

func TestApp_start(t *testing.T) {
	t.Parallel()
	failure := errors.New("failed")
	for name, tt := range map[string]struct {
		second     error
		want       []string
		wantReady  bool
		wantReturn error
	}{
		"stops_in_reverse_order": {
			want:      []string{"start a", "start b", "start c", "stop c", "stop b", "stop a", "stop pool"},
			wantReady: true,
		},
		"failed_start_stops_only_what_was_started": {
			second:     failure,
			want:       []string{"start a", "start b", "stop a", "stop pool"},
			wantReturn: failure,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var events []string
			a := newTestApp()
			pool := recorded(&events, "pool", nil)
			pool.start = nil // it exists once it is built
			a.add(pool)
			a.add(recorded(&events, "a", nil))
			a.add(recorded(&events, "b", tt.second))
			a.add(recorded(&events, "c", nil))
			if err := a.start(t.Context()); !errors.Is(err, tt.wantReturn) {
				t.Errorf("start = %v, want %v", err, tt.wantReturn)
			}
			if got := a.ready.Load(); got != tt.wantReady {
				t.Errorf("ready after start: %t, want %t", got, tt.wantReady)
			}
			if err := a.stop(t.Context()); err != nil {
				t.Errorf("stop = %v, want no error", err)
			}
			if a.ready.Load() {
				t.Error("ready after stop, want not ready")
			}
			if !slices.Equal(events, tt.want) {
				t.Errorf("events %q, want %q", events, tt.want)
			}
		})
	}
}

func TestApp_stop_continues_after_an_error_and_a_timeout(t *testing.T) {
	t.Parallel()
	failure := errors.New("failed")
	var events []string
	a := newTestApp()
	a.add(component{name: "last", stop: func(context.Context) error { events = append(events, "stop last"); return nil }})
	a.add(component{name: "fails", stop: func(context.Context) error { return failure }})
	a.add(component{
		name:        "hangs",
		stop:        func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		stopTimeout: time.Millisecond,
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // a stop goes on when the context of the program has ended
	err := a.stop(ctx)
	if !errors.Is(err, failure) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stop = %v, want both errors", err)
	}
	if want := []string{"stop last"}; !slices.Equal(events, want) {
		t.Errorf("events %q, want %q", events, want)
	}
}
