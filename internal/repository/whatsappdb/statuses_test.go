package whatsappdb_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

func TestInbox_Store_StatusesMoveForwardOnly(t *testing.T) {
	t.Parallel()
	o := newOutboxTest(t)
	part := o.sendingPart()
	before := countJobs(t, o.pool)
	if got := o.storeStatus(part, webhook.Status{WAMID: "out1", Callback: part.ID, State: webhook.StateDelivered}); got != whatsapp.Delivered {
		t.Errorf("delivery after a delivered status: got %q, want %q", got, whatsapp.Delivered)
	}
	if got := countJobs(t, o.pool) - before; got != 1 {
		t.Errorf("new jobs, because the part is not sending any more: got %d, want 1", got)
	}
	o.accept(part, "out1")
	for _, late := range []webhook.State{webhook.StateSent, webhook.StateFailed} {
		if got := o.storeStatus(part, webhook.Status{WAMID: "out1", Callback: part.ID, State: late}); got != whatsapp.Delivered {
			t.Errorf("delivery after a late %s status: got %q, want %q", late, got, whatsapp.Delivered)
		}
	}
	if got := o.storeStatus(part, webhook.Status{WAMID: "out1", State: webhook.StateRead}); got != whatsapp.Read {
		t.Errorf("delivery after a status with only the wamid: got %q, want %q", got, whatsapp.Read)
	}
	if got := countJobs(t, o.pool) - before; got != 1 {
		t.Errorf("new jobs after all statuses: got %d, want 1", got)
	}
}

func TestInbox_Store_FailedStatus(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		codes    []int
		want     whatsapp.Delivery
		wantJobs int
	}{
		"temporary": {
			codes:    []int{131056, 130429, 80007, 4, 131016, 131057, 1, 2, 131000, 135000, 190, 131042},
			want:     whatsapp.Unsent,
			wantJobs: 1,
		},
		"final": {
			codes: []int{131026, 131047, 131049, 131048, 100, 130472, 999999},
			want:  whatsapp.Failed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutboxTest(t)
			for _, code := range tt.codes {
				wamid := fmt.Sprint("w", code)
				part := o.sendingPart()
				o.accept(part, wamid)
				before := countJobs(t, o.pool)
				if got := o.storeStatus(part, failedStatus(wamid, part.ID, code)); got != tt.want {
					t.Errorf("code %d: got %q, want %q", code, got, tt.want)
				}
				if got := countJobs(t, o.pool) - before; got != tt.wantJobs {
					t.Errorf("code %d: got %d new jobs, want %d", code, got, tt.wantJobs)
				}
				o.exec(`DELETE FROM send_hold`)
				if got := testdb.QueryInt(t, o.pool, `
					SELECT count(*) FROM answer_part WHERE error_code = $1 AND (error IS NULL) = (delivery = 'unsent')`, code); got != 1 {
					t.Errorf("code %d: got %d parts with the code, and with a reason where the failure is final, want 1", code, got)
				}
			}
		})
	}
}

func TestInbox_Store_FailedStatusBeginsHold(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		code int
		want whatsapp.SendHold
	}{
		"payment":    {131042, whatsapp.SendHold{PhoneNumberID: "N", NeedsOperator: true, ErrorCode: 131042}},
		"throughput": {130429, whatsapp.SendHold{PhoneNumberID: "N", ErrorCode: 130429}},
		"person":     {131026, whatsapp.SendHold{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutboxTest(t)
			first, second := o.sendingPart(), o.sendingPart()
			o.accept(first, "w1")
			o.accept(second, "w2")
			failures := statusBatch(failedStatus("w1", first.ID, tt.code), failedStatus("w2", "", tt.code))
			failures.Statuses[1].Recipient = o.recipient(second)
			mustStore(t, whatsappdb.NewInbox(o.pool), failures)
			got := o.hold()
			if got.PhoneNumberID != tt.want.PhoneNumberID || got.NeedsOperator != tt.want.NeedsOperator || got.ErrorCode != tt.want.ErrorCode {
				t.Errorf("hold: got %+v, want %+v", got, tt.want)
			}
			o.exec(`DELETE FROM send_hold`)
			mustStore(t, whatsappdb.NewInbox(o.pool), failures)
			if got := o.hold(); got.PhoneNumberID != "" {
				t.Errorf("hold after the repeated webhook: got %+v, want none", got)
			}
		})
	}
}

func TestInbox_Store_RepeatedFailedStatus(t *testing.T) {
	t.Parallel()
	t.Run("counts_once", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		part := o.acceptedPart()
		failure := failedStatus("w1", part.ID, 131056)
		o.storeStatus(part, failure)
		if got := o.storeStatus(part, failure); got != whatsapp.Unsent {
			t.Errorf("delivery after the second copy: got %q, want %q", got, whatsapp.Unsent)
		}
		part = o.sendAgain(part)
		if got := o.storeStatus(part, failure); got != whatsapp.Sending {
			t.Errorf("delivery after a copy during the next send: got %q, want %q", got, whatsapp.Sending)
		}
		o.accept(part, "w2")
		for _, former := range []webhook.Status{
			failure, failedStatus("w1", "", 131026), {WAMID: "w1", Callback: part.ID, State: webhook.StateSent},
		} {
			if got := o.storeStatus(part, former); got != whatsapp.Accepted {
				t.Errorf("delivery after a %s status of the former send: got %q, want %q", former.State, got, whatsapp.Accepted)
			}
		}
		if got := o.storeStatus(part, webhook.Status{WAMID: "w2", State: webhook.StateSent}); got != whatsapp.Sent {
			t.Errorf("delivery after a status of the latest send: got %q, want %q", got, whatsapp.Sent)
		}
	})
	t.Run("after_a_refusal_of_the_same_send_counts_once", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		part := o.sendingPart()
		o.refuse(part, whatsapp.DelayPerson, 131056)
		if got := o.storeStatus(part, failedStatus("w1", part.ID, 131056)); got != whatsapp.Unsent {
			t.Errorf("delivery: got %q, want %q", got, whatsapp.Unsent)
		}
		part = o.sendAgain(part)
		if got := o.storeStatus(part, failedStatus("w1", part.ID, 131056)); got != whatsapp.Sending {
			t.Errorf("delivery during the next send: got %q, want %q", got, whatsapp.Sending)
		}
	})
	t.Run("after_delivered_changes_nothing", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		part := o.acceptedPart()
		o.storeStatus(part, webhook.Status{WAMID: "w1", State: webhook.StateDelivered})
		for _, code := range []int{131056, 131026} {
			if got := o.storeStatus(part, failedStatus("w1", part.ID, code)); got != whatsapp.Delivered {
				t.Errorf("code %d: got %q, want %q", code, got, whatsapp.Delivered)
			}
		}
		if got := testdb.QueryInt(t, o.pool, `SELECT count(*) FROM answer_part WHERE error IS NOT NULL OR refusals > 0`); got != 0 {
			t.Errorf("parts with a refusal: got %d, want 0", got)
		}
	})
}

func TestInbox_Store_FailedStatusRetriesAreBounded(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]int{130429: 5, 131000: 2} {
		t.Run(fmt.Sprint("code_", code), func(t *testing.T) {
			t.Parallel()
			o := newOutboxTest(t)
			part := o.sendingPart()
			for retries := 0; ; retries++ {
				wamid := fmt.Sprint("w", retries)
				o.accept(part, wamid)
				if o.storeStatus(part, failedStatus(wamid, part.ID, code)) == whatsapp.Failed {
					if retries != want {
						t.Errorf("retries before it was given up: got %d, want %d", retries, want)
					}
					return
				}
				left := time.Duration(testdb.QueryInt(t, o.pool, `
					SELECT extract(epoch FROM not_before - now() + interval '0.5 s')::int FROM answer_part`)) * time.Second
				if want := whatsapp.Backoff(retries); left < want-10*time.Second || left > want {
					t.Errorf("back-off after failure %d: got %v, want %v", retries+1, left, want)
				}
				part = o.sendAgain(part)
			}
		})
	}
}

// Where the outcome of a send was unknown the part was sent twice, and the
// statuses of both sends count.
func TestInbox_Store_StatusesOfTwoSends(t *testing.T) {
	t.Parallel()
	t.Run("first_one_is_delivered", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		part := o.mustBegin(o.sendingPart()) // sent as w1 without an outcome, and then as w2
		o.accept(part, "w2")
		if got := o.storeStatus(part, failedStatus("w1", part.ID, 131026)); got != whatsapp.Accepted {
			t.Errorf("delivery after the first send failed: got %q, want %q", got, whatsapp.Accepted)
		}
		if got := o.storeStatus(part, webhook.Status{WAMID: "w1", State: webhook.StateDelivered}); got != whatsapp.Delivered {
			t.Errorf("delivery after the first send was delivered: got %q, want %q", got, whatsapp.Delivered)
		}
		if got := o.storeStatus(part, webhook.Status{WAMID: "w2", State: webhook.StateRead}); got != whatsapp.Read {
			t.Errorf("delivery after the second send was read: got %q, want %q", got, whatsapp.Read)
		}
	})
	t.Run("first_one_has_a_status_before_the_second_has_an_outcome", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		part := o.mustBegin(o.sendingPart())
		if got := o.storeStatus(part, webhook.Status{WAMID: "w1", Callback: part.ID, State: webhook.StateSent}); got != whatsapp.Sent {
			t.Errorf("delivery after a status of the first send: got %q, want %q", got, whatsapp.Sent)
		}
		o.accept(part, "w2")
		o.storeStatus(part, failedStatus("w1", "", 131056))
		if got := o.storeStatus(part, webhook.Status{WAMID: "w2", State: webhook.StateDelivered}); got != whatsapp.Delivered {
			t.Errorf("delivery after a status of the second send: got %q, want %q", got, whatsapp.Delivered)
		}
	})
	t.Run("success_comes_before_failure_in_one_webhook", func(t *testing.T) {
		t.Parallel()
		o := newOutboxTest(t)
		part := o.mustBegin(o.sendingPart())
		mustStore(t, whatsappdb.NewInbox(o.pool), statusBatch(
			failedStatus("w1", part.ID, 131026),
			webhook.Status{WAMID: "w2", Callback: part.ID, State: webhook.StateSent}))
		if got := o.delivery(part); got != whatsapp.Sent {
			t.Errorf("delivery: got %q, want %q", got, whatsapp.Sent)
		}
	})
}

// Only one of two statuses in a webhook has our callback data. It is used for
// both, because they have the same wamid.
func TestInbox_Store_CallbackOfAnotherStatus(t *testing.T) {
	t.Parallel()
	for name, callbackFirst := range map[string]bool{"callback_in_first_status": true, "callback_in_last_status": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutboxTest(t)
			part := o.sendingPart()
			statuses := []webhook.Status{
				{WAMID: "w1", State: webhook.StateDelivered},
				{WAMID: "w1", State: webhook.StateSent, Callback: part.ID},
			}
			if callbackFirst {
				statuses[0], statuses[1] = statuses[1], statuses[0]
			}
			mustStore(t, whatsappdb.NewInbox(o.pool), statusBatch(statuses...))
			if got := o.delivery(part); got != whatsapp.Delivered {
				t.Errorf("delivery: got %q, want %q", got, whatsapp.Delivered)
			}
		})
	}
}

// A status without our callback data is searched for among the latest answers to
// its recipient.
func TestInbox_Store_StatusWithoutCallback(t *testing.T) {
	t.Parallel()
	const phone = "254712345678"
	for name, tt := range map[string]struct {
		recipient    webhook.Identity
		laterAnswers int
		want         whatsapp.Delivery
	}{
		"by_user_id":                        {identity("KE.1", ""), 0, whatsapp.Delivered},
		"by_number":                         {identity("", phone), 0, whatsapp.Delivered},
		"by_both":                           {identity("KE.1", phone), 0, whatsapp.Delivered},
		"by_user_id_with_former_number":     {identity("KE.1", "254700000009"), 0, whatsapp.Delivered},
		"by_number_with_unknown_user_id":    {identity("KE.9", phone), 0, whatsapp.Delivered},
		"identifiers_of_two_persons":        {identity("KE.8", phone), 0, whatsapp.Delivered},
		"after_99_later_answers":            {identity("KE.1", phone), 99, whatsapp.Delivered},
		"not_found_after_100_later_answers": {identity("KE.1", phone), 100, whatsapp.Accepted},
		"not_found_for_another_person":      {identity("KE.9", "254700000009"), 0, whatsapp.Accepted},
		"not_found_without_recipient":       {identity("", ""), 0, whatsapp.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutboxTest(t)
			part := o.acceptedPart()
			o.exec(`UPDATE person SET bsuid = 'KE.1', wa_id = $1`, phone)
			o.exec(`INSERT INTO person (bsuid) VALUES ('KE.8')`)
			o.exec(`
				INSERT INTO answer (person_id, phone_number_id, body, model, prompt_tokens, response_tokens)
				SELECT person_id, 'N', '', '', 0, 0 FROM answer, generate_series(1, $1)`, tt.laterAnswers)
			mustStore(t, whatsappdb.NewInbox(o.pool), statusBatch(
				webhook.Status{WAMID: "w1", State: webhook.StateDelivered, Recipient: tt.recipient}))
			if got := o.delivery(part); got != tt.want {
				t.Errorf("delivery: got %q, want %q", got, tt.want)
			}
		})
	}
}

// Two webhooks have a status of the same send. The failure is stored first and
// makes the wamid a former one. The other status waits for the part and must see
// that.
func TestInbox_Store_StatusWaitsForFailure(t *testing.T) {
	t.Parallel()
	for name, withCallback := range map[string]bool{"with_callback": true, "without_callback": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutboxTest(t)
			part := o.acceptedPart()
			sent := webhook.Status{WAMID: "w1", State: webhook.StateSent, Recipient: o.recipient(part)}
			if withCallback {
				sent.Callback = part.ID
			}
			var group sync.WaitGroup
			storeAndWait := func(status webhook.Status, wantWaits int) {
				group.Go(func() {
					if err := whatsappdb.NewInbox(o.pool).Store(t.Context(), statusBatch(status)); err != nil {
						t.Errorf("Store: got error %v, want nil", err)
					}
				})
				waitUntil(t, "the webhook waits for a lock", func() bool { return countLockWaits(t, o.pool) == wantWaits })
			}
			// The failure locks the part and then waits to insert the hold.
			blocker := o.insertHold()
			storeAndWait(failedStatus("w1", part.ID, 130429), 1)
			storeAndWait(sent, 2)
			if err := blocker.Rollback(t.Context()); err != nil {
				t.Fatalf("rollback: %v", err)
			}
			group.Wait()
			if got := o.delivery(part); got != whatsapp.Unsent {
				t.Errorf("delivery: got %q, want %q, because the send failed", got, whatsapp.Unsent)
			}
		})
	}
}

// insertHold inserts a send hold in a transaction that the caller ends.
func (o outboxTest) insertHold() pgx.Tx {
	o.t.Helper()
	tx, err := o.pool.Begin(o.t.Context())
	if err != nil {
		o.t.Fatalf("begin: %v", err)
	}
	if _, err := tx.Exec(o.t.Context(), `INSERT INTO send_hold VALUES ('N', true, 1, 'x', 1, now(), now())`); err != nil {
		o.t.Fatalf("insert a send hold: %v", err)
	}
	return tx
}
