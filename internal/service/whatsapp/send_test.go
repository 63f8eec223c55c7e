package whatsapp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"aisha/internal/fault"
)

func TestService_AnswerPerson_SendFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err       error
		after     time.Duration
		partsLeft int
	}{
		"unknown_outcome":        {&UnknownOutcome{Cause: errors.New("cut")}, time.Minute, 2},
		"too_many_to_one_person": {&Refusal{Reaction: DelayPerson, Code: 131056}, 4 * time.Second, 2},
		"throughput_is_exceeded": {&Refusal{Reaction: HoldNumber, Code: 130429, RetryAfter: 9 * time.Second}, 9 * time.Second, 2},
		"token_expired":          {&Refusal{Reaction: HoldForOperator, Code: 190}, 4 * time.Second, 2},
		"unclear_error":          {&Refusal{Reaction: RetryUnclear, Code: 131000}, 4 * time.Second, 2},
		"message_cannot_be_sent": {&Refusal{Reaction: GiveUp, Code: 131026}, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{sendErr: tt.err, due: Due{Parts: unsentParts(2)}}
			if next, want := answerPerson(t, f.service(Options{ResendAfter: time.Minute})), (Next{After: tt.after}); next != want {
				t.Errorf("got %v, want %v", next, want)
			}
			if got := len(f.due.Parts); got != tt.partsLeft {
				t.Errorf("%d parts are left, want %d", got, tt.partsLeft)
			}
		})
	}
}

func TestService_AnswerPerson_SuspendedBeforeSend(t *testing.T) {
	t.Parallel()
	const resendAfter = 50 * time.Millisecond
	for name, due := range map[string]Due{
		"after_begin_send":  {Parts: unsentParts(1)},
		"after_save_answer": {Messages: []UnansweredMessage{textMessage(1, "hi", time.Minute)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{due: due, suspension: resendAfter/2 + time.Millisecond}
			if next, want := answerPerson(t, f.service(Options{ResendAfter: resendAfter})), (Next{After: resendAfter}); next != want {
				t.Errorf("got %v, want %v", next, want)
			}
			if len(f.sent) != 0 {
				t.Errorf("sent %d messages, want 0", len(f.sent))
			}
			if len(f.due.Parts) != 1 || f.due.Parts[0].Delivery != Sending {
				t.Errorf("left are %+v, want one part that is %q", f.due.Parts, Sending)
			}
		})
	}
}

func TestService_AnswerPerson_UnknownOutcome(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		sinceAttempt time.Duration
		sinceGap     time.Duration // since a webhook could not be stored
		connectedFor time.Duration // to the database; zero: a day
		after        time.Duration
		sent         int
	}{
		"status_may_arrive":             {20 * time.Second, time.Hour, 0, 40 * time.Second, 0},
		"no_status_arrived":             {time.Minute, time.Hour, 0, 0, 1},
		"gap_in_webhooks":               {time.Hour, 20 * time.Second, 0, 40 * time.Second, 0},
		"database_was_unreachable":      {time.Hour, time.Hour, 20 * time.Second, 40 * time.Second, 0},
		"older_than_metas_retry_period": {8 * 24 * time.Hour, time.Second, time.Second, 0, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			part := AnswerPart{ID: "1", Delivery: Sending, Attempts: 1, SinceAttempt: tt.sinceAttempt}
			f := &fakes{connectedFor: tt.connectedFor, due: Due{Parts: []AnswerPart{part}}}
			service := f.service(Options{ResendAfter: time.Minute})
			service.lastGap.Store(time.Now().Add(-tt.sinceGap).UnixNano())
			if got := answerPerson(t, service).After.Round(time.Second); got != tt.after {
				t.Errorf("got %v, want %v", got, tt.after)
			}
			if got := len(f.sent); got != tt.sent {
				t.Errorf("sent %d messages, want %d", got, tt.sent)
			}
		})
	}
}

func TestService_AnswerPerson_SendMustWait(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*fakes{
		"hold_quota_or_back_off": {sendWait: time.Minute},
		"throughput_limit":       {limiterWait: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.due.Parts = unsentParts(2)
			if got := answerPerson(t, f.service(Options{})).After; got < time.Minute || got > 75*time.Second {
				t.Errorf("got %v, want 1m0s and up to a quarter more", got)
			}
			if len(f.sent) != 0 {
				t.Errorf("sent %d messages, want 0", len(f.sent))
			}
		})
	}
}

// A database that cannot store a send cannot store a status either.
func TestService_AnswerPerson_BeginSendFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err error
		gap bool
	}{
		"database_is_unreachable": {fault.New(fault.Unavailable, "down"), true},
		"other_error":             {errors.New("syntax error"), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{beginErr: tt.err, due: Due{Parts: unsentParts(1)}}
			service := f.service(Options{})
			service.lastGap.Store(0)
			_, err := service.AnswerPerson(t.Context(), 7, 0).Get()
			if !errors.Is(err, tt.err) {
				t.Errorf("got error %v, want %v", err, tt.err)
			}
			if got := service.lastGap.Load() != 0; got != tt.gap {
				t.Errorf("gap recorded: %v, want %v", got, tt.gap)
			}
			if len(f.sent) != 0 {
				t.Errorf("sent %d messages, want 0", len(f.sent))
			}
		})
	}
}

func TestService_AnswerPerson_LockLostBeforeSend(t *testing.T) {
	t.Parallel()
	f := &fakes{lockLost: true, due: Due{Parts: unsentParts(1)}}
	_, err := f.service(Options{}).AnswerPerson(t.Context(), 7, 0).Get()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
	if got := f.due.Parts[0].Delivery; got != Unsent || len(f.sent) != 0 {
		t.Errorf("the part is %q after %d sends, want %q after 0", got, len(f.sent), Unsent)
	}
}

func TestService_AnswerPerson_LogsOneErrorForASendHold(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	f := &fakes{sendErr: &Refusal{Reaction: HoldForOperator, Code: 190}}
	service := f.service(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range 3 {
		f.due = Due{Parts: unsentParts(1)}
		answerPerson(t, service)
	}
	if got, want := len(f.refusals), 3; got != want {
		t.Errorf("stored %d refusals, want %d", got, want)
	}
	if got, want := countErrors(&log), 1; got != want {
		t.Errorf("logged %d errors, want %d:\n%s", got, want, log.String())
	}
}

func TestService_AnswerPerson_ObservesOutcomes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"accepted": {nil, "accepted 0"},
		"unknown":  {&UnknownOutcome{Cause: errors.New("cut")}, "unknown 0"},
		"refused":  {&Refusal{Reaction: HoldNumber, Code: 130429}, "refused 130429"},
		"given_up": {&Refusal{Reaction: GiveUp, Code: 131026}, "given_up 131026"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{sendErr: tt.err, due: Due{Parts: unsentParts(1)}}
			var got []string
			answerPerson(t, f.service(Options{Observe: func(outcome Outcome, code int) {
				got = append(got, fmt.Sprint(outcome, " ", code))
			}}))
			if want := []string{tt.want}; !slices.Equal(got, want) {
				t.Errorf("observed %v, want %v", got, want)
			}
		})
	}
}
