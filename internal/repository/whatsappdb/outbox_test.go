package whatsappdb_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

func TestOutbox_BeginSend(t *testing.T) {
	t.Parallel()
	t.Run("second_worker_is_refused", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		_, parts := storeAnswered(t, pool)
		outbox := whatsappdb.NewOutbox(pool)
		if _, err := outbox.BeginSend(t.Context(), identity("KE.1", "254712345678"), parts[0]); err != nil {
			t.Fatalf("first worker: got error %v, want nil", err)
		}
		if _, err := outbox.BeginSend(t.Context(), identity("KE.1", "254712345678"), parts[0]); !errors.Is(err, whatsapp.ErrAlreadyDone) {
			t.Errorf("second worker: got error %v, want ErrAlreadyDone", err)
		}
	})
	t.Run("send_quota_allows_a_burst_and_then_one_in_six_seconds", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		parts := newParts(t, o.pool, 48)
		for _, part := range parts[:45] {
			o.mustBegin(part)
		}
		if _, wait := o.begin(parts[45]); wait <= 0 || wait > 6*time.Second {
			t.Fatalf("delay after the burst: got %v, want up to 6s", wait)
		}
		o.mustBegin(o.newPart()) // another person has a quota of their own
		o.exec(`UPDATE person_send_quota SET replenished_at = replenished_at - interval '6 seconds'`)
		o.mustBegin(parts[45])
		if _, wait := o.begin(parts[46]); wait <= 0 || wait > 6*time.Second {
			t.Errorf("delay after one more send: got %v, want up to 6s", wait)
		}
		o.exec(`UPDATE person_send_quota SET replenished_at = now() - interval '1 year'`)
		o.mustBegin(parts[46])
		if got := testdb.QueryInt(t, o.pool, `
			SELECT count(*) FROM person_send_quota WHERE replenished_at BETWEEN now() AND now() + interval '6 seconds'`); got != 1 {
			t.Errorf("quotas with one used message after a year: got %d, want 1", got)
		}
	})
	t.Run("delivered_part_is_not_sent_again", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		part := o.acceptedPart()
		o.storeStatus(part, failedStatus("w1", "", 130429))
		if got := o.storeStatus(part, webhook.Status{WAMID: "w1", State: webhook.StateSent}); got != whatsapp.Unsent {
			t.Errorf("delivery after a late sent status: got %q, want %q", got, whatsapp.Unsent)
		}
		if got := o.storeStatus(part, webhook.Status{WAMID: "w1", State: webhook.StateDelivered}); got != whatsapp.Delivered {
			t.Errorf("delivery after a delivered status: got %q, want %q", got, whatsapp.Delivered)
		}
		part.Delivery = whatsapp.Unsent
		if _, err := o.BeginSend(t.Context(), o.recipient(part), part); !errors.Is(err, whatsapp.ErrAlreadyDone) {
			t.Errorf("BeginSend: got error %v, want ErrAlreadyDone", err)
		}
	})
}

func TestOutbox_Accept_AfterFailedStatus(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		wamid string // of the response to the send
		want  whatsapp.Delivery
	}{
		"of_this_send_keeps_the_part_unsent": {"w1", whatsapp.Unsent},
		"of_a_former_send_accepts_the_part":  {"w2", whatsapp.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutboxTest(t)
			part := o.sendingPart()
			if got := o.storeStatus(part, failedStatus("w1", part.ID, 130429)); got != whatsapp.Unsent {
				t.Errorf("delivery before Accept: got %q, want %q", got, whatsapp.Unsent)
			}
			o.accept(part, tt.wamid)
			if got := o.delivery(part); got != tt.want {
				t.Errorf("delivery after Accept: got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOutbox_Accept_AfterFailureOfBothSends(t *testing.T) {
	t.Parallel()
	o := newOutboxTest(t)
	part := o.sendingPart()  // the outcome of this send, w1, is unknown
	part = o.mustBegin(part) // so the part is sent again, as w2
	o.storeStatus(part, failedStatus("w1", part.ID, 131000))
	o.storeStatus(part, failedStatus("w2", "", 131000)) // the wamid is not stored yet
	o.accept(part, "w2")
	if got := o.delivery(part); got != whatsapp.Unsent {
		t.Errorf("delivery: got %q, want %q", got, whatsapp.Unsent)
	}
}

func TestOutbox_Accept_AppliesPendingStatus(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		statuses []webhook.Status
		want     whatsapp.Delivery
	}{
		"delivered": {[]webhook.Status{
			{WAMID: "w1", State: webhook.StateDelivered}, {WAMID: "w1", State: webhook.StateSent}}, whatsapp.Delivered},
		"temporary_failure": {[]webhook.Status{failedStatus("w1", "", 130429)}, whatsapp.Unsent},
		"final_failure":     {[]webhook.Status{failedStatus("w1", "", 131026)}, whatsapp.Failed},
		"failed_and_then_read": {[]webhook.Status{
			failedStatus("w1", "", 130429), {WAMID: "w1", State: webhook.StateRead}}, whatsapp.Read},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutboxTest(t)
			part := o.sendingPart()
			for _, status := range tt.statuses {
				if got := o.storeStatus(part, status); got != whatsapp.Sending {
					t.Fatalf("delivery before the wamid is known: got %q, want %q", got, whatsapp.Sending)
				}
			}
			o.accept(part, "w1")
			if got := o.delivery(part); got != tt.want {
				t.Errorf("delivery after Accept: got %q, want %q", got, tt.want)
			}
			if got := testdb.QueryInt(t, o.pool, `SELECT count(*) FROM pending_status`); got != 0 {
				t.Errorf("pending statuses: got %d, want 0", got)
			}
		})
	}
}

// LockWAMID keeps a status and the response to its send from missing each other.
func TestOutbox_Accept_ConcurrentStatus(t *testing.T) {
	t.Parallel()
	o := newOutboxTest(t)
	inbox := whatsappdb.NewInbox(o.pool)
	parts := make([]whatsapp.AnswerPart, 40)
	for n := range parts {
		parts[n] = o.sendingPart()
	}
	var group sync.WaitGroup
	for n, part := range parts {
		wamid := fmt.Sprint("w", n)
		status := webhook.Status{WAMID: wamid, State: webhook.StateDelivered, Recipient: o.recipient(part)}
		group.Go(func() { o.accept(part, wamid) })
		group.Go(func() {
			if err := inbox.Store(t.Context(), statusBatch(status)); err != nil {
				t.Errorf("Store: got error %v, want nil", err)
			}
		})
	}
	group.Wait()
	if got := testdb.QueryInt(t, o.pool, `SELECT count(*) FROM answer_part WHERE delivery = 'delivered'`); got != len(parts) {
		t.Errorf("delivered parts: got %d, want %d", got, len(parts))
	}
}

func TestOutbox_Refuse(t *testing.T) {
	t.Parallel()
	t.Run("part_is_sent_again_unless_it_is_given_up", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		personID, parts := storeAnswered(t, pool)
		outbox := whatsappdb.NewOutbox(pool)
		for i, reaction := range []whatsapp.Reaction{whatsapp.DelayPerson, whatsapp.GiveUp} {
			if _, err := outbox.BeginSend(t.Context(), identity("KE.1", "254712345678"), parts[i]); err != nil {
				t.Fatalf("BeginSend: got error %v, want nil", err)
			}
			parts[i].Attempts++
			if _, err := outbox.Refuse(t.Context(), parts[i], whatsapp.Refusal{Reaction: reaction, Code: 131056}); err != nil {
				t.Fatalf("Refuse: got error %v, want nil", err)
			}
		}
		open := mustDue(t, pool, personID).Parts
		if len(open) != 1 {
			t.Fatalf("parts to send: got %+v, want 1", open)
		}
		if open[0].ID != parts[0].ID {
			t.Errorf("id of the part: got %s, want %s", open[0].ID, parts[0].ID)
		}
		if open[0].Delivery != whatsapp.Unsent || open[0].Attempts != 1 {
			t.Errorf("part: got %q after %d attempts, want %q after 1", open[0].Delivery, open[0].Attempts, whatsapp.Unsent)
		}
		if got := testdb.QueryInt(t, pool, `
			SELECT count(*) FROM answer_part WHERE delivery = 'failed' AND error_code = 131056 AND error <> ''`); got != 1 {
			t.Errorf("failed parts with a reason: got %d, want 1", got)
		}
	})
	t.Run("part_that_another_worker_sent_again_is_not_changed", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		part := o.sendingPart()
		o.exec(`UPDATE answer_part SET attempts = 2`) // another worker has begun the next send
		for _, reaction := range []whatsapp.Reaction{whatsapp.GiveUp, whatsapp.HoldNumber} {
			if _, err := o.Refuse(t.Context(), part, whatsapp.Refusal{Reaction: reaction}); !errors.Is(err, whatsapp.ErrAlreadyDone) {
				t.Errorf("reaction %d: got error %v, want ErrAlreadyDone", reaction, err)
			}
		}
		if got := o.hold().HoldsInRow; got != 0 {
			t.Errorf("holds in a row: got %d, want 0", got)
		}
		if got := o.delivery(part); got != whatsapp.Sending {
			t.Errorf("delivery: got %q, want %q", got, whatsapp.Sending)
		}
	})
}

func TestOutbox_Refuse_Retries(t *testing.T) {
	t.Parallel()
	t.Run("back_off_delays_only_one_person", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		part := o.newPart()
		for n, want := range []time.Duration{
			4 * time.Second, 16 * time.Second, 64 * time.Second, 256 * time.Second, 10 * time.Minute, 10 * time.Minute,
		} {
			part = o.mustBegin(part)
			if got := o.refuse(part, whatsapp.DelayPerson, 131056); got != (whatsapp.RefusalOutcome{Wait: want}) {
				t.Errorf("refusal %d: got %+v, want only a wait of %v", n+1, got, want)
			}
			part.Delivery = whatsapp.Unsent
			if _, got := o.begin(part); got < want-5*time.Second || got > want {
				t.Errorf("delay after refusal %d: got %v, want %v", n+1, got, want)
			}
			o.mustBegin(o.newPart()) // another person is not delayed
			o.exec(`UPDATE answer_part SET not_before = now() WHERE id = $1`, part.ID)
		}
	})
	t.Run("unclear_error_after_refusals_for_this_person_is_retried_twice", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		part := o.newPart()
		for n, refused := range []struct {
			reaction whatsapp.Reaction
			code     int
			want     bool // given up
		}{
			{whatsapp.DelayPerson, 131056, false}, {whatsapp.DelayPerson, 131056, false}, {whatsapp.DelayPerson, 131056, false},
			{whatsapp.RetryUnclear, 131000, false}, {whatsapp.DelayPerson, 131056, false}, {whatsapp.RetryUnclear, 131000, false},
			{whatsapp.RetryUnclear, 131000, true},
		} {
			part = o.mustBegin(part)
			if got := o.refuse(part, refused.reaction, refused.code).GivenUp; got != refused.want {
				t.Errorf("refusal %d: got given up %t, want %t", n+1, got, refused.want)
			}
			part.Delivery = whatsapp.Unsent
			o.exec(`UPDATE answer_part SET not_before = now()`)
		}
	})
	t.Run("unclear_error_is_retried_twice_not_counting_other_refusals", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		part := o.newPart()
		for n, want := range []bool{false, false, true} {
			part = o.mustBegin(part)
			o.refuse(part, whatsapp.HoldNumber, 1)
			o.endWait()
			part.Delivery = whatsapp.Unsent
			part = o.mustBegin(part)
			if got := o.refuse(part, whatsapp.RetryUnclear, 131000).GivenUp; got != want {
				t.Errorf("refusal %d: got given up %t, want %t", n+1, got, want)
			}
			part.Delivery = whatsapp.Unsent
			o.exec(`UPDATE answer_part SET not_before = now()`)
		}
		if got := testdb.QueryInt(t, o.pool, `
			SELECT count(*) FROM answer_part WHERE delivery = 'failed' AND error_code = 131000 AND error LIKE '%why%'`); got != 1 {
			t.Errorf("failed parts with the reason: got %d, want 1", got)
		}
	})
}
