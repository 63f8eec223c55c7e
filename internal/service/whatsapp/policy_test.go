package whatsapp

import (
	"fmt"
	"testing"
	"time"
)

func TestRefusal_HoldDuration(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		refusal     Refusal
		holdsBefore int
		want        time.Duration // and up to a quarter more
	}{
		"temporary_first":    {Refusal{Reaction: HoldNumber}, 0, 5 * time.Second},
		"temporary_second":   {Refusal{Reaction: HoldNumber}, 1, 10 * time.Second},
		"temporary_seventh":  {Refusal{Reaction: HoldNumber}, 6, 5 * time.Minute},
		"does_not_overflow":  {Refusal{Reaction: HoldNumber}, 1 << 40, 5 * time.Minute},
		"operator_first":     {Refusal{Reaction: HoldForOperator}, 0, 30 * time.Second},
		"operator_fourth":    {Refusal{Reaction: HoldForOperator}, 3, 4 * time.Minute},
		"operator_fifth":     {Refusal{Reaction: HoldForOperator}, 4, 5 * time.Minute},
		"meta_asks_for_more": {Refusal{Reaction: HoldNumber, RetryAfter: time.Hour}, 0, time.Hour},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 100 {
				got := tt.refusal.HoldDuration(tt.holdsBefore)
				if got < tt.want || got > tt.want+tt.want/4 {
					t.Fatalf("got %v, want %v and up to a quarter more", got, tt.want)
				}
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for refusals, want := range map[int]time.Duration{
		0: 4 * time.Second,
		1: 16 * time.Second,
		2: 64 * time.Second,
		3: 256 * time.Second,
		4: 10 * time.Minute,
		5: 10 * time.Minute,

		1 << 40: 10 * time.Minute,
	} {
		t.Run(fmt.Sprintf("after_%d_refusals", refusals), func(t *testing.T) {
			t.Parallel()
			if got := Backoff(refusals); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// SQL looks the back-off up in Backoffs, so both must agree.
func TestBackoffs(t *testing.T) {
	t.Parallel()
	steps := Backoffs()
	if len(steps) == 0 {
		t.Fatal("got no steps, want at least one")
	}
	for refusals, got := range steps {
		if want := Backoff(refusals); got != want {
			t.Errorf("step %d is %v, want Backoff(%d) = %v", refusals, got, refusals, want)
		}
		if last := refusals == len(steps)-1; (got == maxBackoff) != last {
			t.Errorf("step %d of %d is %v, want %v for the last step only", refusals, len(steps), got, maxBackoff)
		}
	}
	for _, refusals := range []int{len(steps), len(steps) + 1, 1 << 40} {
		if got, want := Backoff(refusals), steps[len(steps)-1]; got != want {
			t.Errorf("Backoff(%d) = %v, want the last step %v", refusals, got, want)
		}
	}
}

func TestRefusal_IsFinal(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reaction Reaction
		refusals int
		want     bool
	}{
		"give_up":              {GiveUp, 0, true},
		"unclear_first":        {RetryUnclear, 0, false},
		"unclear_second":       {RetryUnclear, 1, false},
		"unclear_third":        {RetryUnclear, 2, true},
		"delay_person":         {DelayPerson, 1000, false},
		"hold_number":          {HoldNumber, 1000, false},
		"hold_number_operator": {HoldForOperator, 1000, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refusal := Refusal{Reaction: tt.reaction}
			if got := refusal.IsFinal(tt.refusals); got != tt.want {
				t.Errorf("got %v after %d refusals, want %v", got, tt.refusals, tt.want)
			}
		})
	}
}

func TestMaxResends(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		code, want int
	}{
		"unclear_error":             {131000, 2},
		"too_many_to_one_person":    {131056, 5},
		"throughput_is_exceeded":    {130429, 5},
		"payment_is_missing":        {131042, 5},
		"person_cannot_be_reached":  {131026, 0},
		"code_that_is_not_listed":   {999999, 0},
		"outside_the_reply_window":  {131047, 0},
		"failure_without_any_code":  {0, 5},
		"permission_within_a_range": {299, 5},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := MaxResends(tt.code); got != tt.want {
				t.Errorf("got %d for code %d, want %d", got, tt.code, tt.want)
			}
		})
	}
}
