package whatsapp

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestPauseGrowsAndEnds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		refusal  Refusal
		closings int
		want     time.Duration // and up to a quarter more, unless Meta said how long
	}{
		{Refusal{Reaction: WaitAll}, 0, 5 * time.Second},
		{Refusal{Reaction: WaitAll}, 1, 10 * time.Second},
		{Refusal{Reaction: WaitAll}, 6, 5 * time.Minute},
		{Refusal{Reaction: WaitAll}, 1 << 40, 5 * time.Minute},
		{Refusal{Reaction: Stop}, 0, 30 * time.Second},
		{Refusal{Reaction: Stop}, 3, 4 * time.Minute},
		{Refusal{Reaction: Stop}, 4, 5 * time.Minute},
		{Refusal{Reaction: WaitAll, RetryAfter: time.Hour}, 0, time.Hour},
	}
	for _, tt := range tests {
		for range 100 {
			got := tt.refusal.Pause(tt.closings)
			if got < tt.want || got > tt.want+tt.want/4 {
				t.Errorf("%v, closed %d times before: got %v, want %v", tt.refusal.Reaction, tt.closings, got, tt.want)
			}
		}
	}
}

func TestBackoffIsFourToThePower(t *testing.T) {
	t.Parallel()
	for refusals, want := range []int{4, 16, 64, 256, 600, 600} {
		if got := Backoff(refusals); got != time.Duration(want)*time.Second {
			t.Errorf("after %d refusals: got %v, want %d s", refusals, got, want)
		}
	}
	if got := Backoff(1 << 40); got != maxBackoff {
		t.Errorf("got %v", got)
	}
}

func TestASendThatMustNotBeginYetIsNotSent(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*world{
		"the gate, the person or the part waits": {hold: time.Minute},
		"it is not the number's turn":            {again: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w.due = Due{Parts: []Part{{ID: "1", Delivery: Unsent}, {ID: "2", Delivery: Unsent}}}
			next, err := w.service(Options{}).Reply(t.Context(), 7).Get()
			if err != nil || next.After < time.Minute || next.After > 75*time.Second || len(w.sent) != 0 {
				t.Errorf("got %v, %v and %d sent", next.After, err, len(w.sent))
			}
		})
	}
}

func TestAnAlarmIsRaisedOnceForAClosing(t *testing.T) {
	t.Parallel()
	w := &world{sendErr: &Refusal{Reaction: Stop, Code: 190}}
	var log bytes.Buffer
	service := w.service(Options{})
	service.options.Log = slog.New(slog.NewTextHandler(&log, nil))
	for range 3 {
		w.due = Due{Parts: []Part{{ID: "1", Delivery: Unsent}}}
		if _, err := service.Reply(t.Context(), 7).Get(); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 || len(w.refused) != 3 {
		t.Errorf("%d refusals raised %d alarms:\n%s", len(w.refused), n, log.String())
	}
}

func TestAnAlarmIsRaisedOnceForAWebhookOfFailures(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	service := (&world{}).service(Options{})
	service.options.Log = slog.New(slog.NewTextHandler(&log, nil))
	failed := func(code int) Status { return Status{Delivery: Failed, ErrorCode: code} }
	service.observeFailures(t.Context(), []Status{failed(0), failed(131026), {Delivery: Read}})
	if log.Len() > 0 {
		t.Errorf("what no operator can mend raises an alarm: %s", log.String())
	}
	service.observeFailures(t.Context(), []Status{failed(131042), failed(131042)})
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Errorf("two failures raised %d alarms:\n%s", n, log.String())
	}
}

func TestEveryOutcomeOfASendIsCounted(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"accepted 0":      nil,
		"unknown 0":       &Uncertain{Cause: errors.New("cut")},
		"refused 130429":  &Refusal{Reaction: WaitAll, Code: 130429},
		"given_up 131026": &Refusal{Reaction: GiveUp, Code: 131026},
	} {
		w := &world{sendErr: err, due: Due{Parts: []Part{{ID: "1", Delivery: Unsent}}}}
		var told []string
		service := w.service(Options{ResendAfter: time.Minute, Observe: func(outcome Outcome, code int) {
			told = append(told, fmt.Sprint(outcome, " ", code))
		}})
		if _, err := service.Reply(t.Context(), 7).Get(); err != nil {
			t.Fatal(err)
		}
		if len(told) != 1 || told[0] != want {
			t.Errorf("got %v, want %q", told, want)
		}
	}
}

func TestSendingTellsWhichNumbersAreClosed(t *testing.T) {
	t.Parallel()
	w := &world{gates: []Gate{{PhoneNumberID: "N", Stopped: true, Code: 190}}}
	state, err := w.service(Options{}).Sending(t.Context()).Get()
	if err != nil || len(state.Closed) != 1 || state.Closed[0] != w.gates[0] {
		t.Errorf("got %+v, %v", state, err)
	}
}
