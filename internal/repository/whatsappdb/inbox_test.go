package whatsappdb_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/waitlistdb"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

func TestInbox_Store(t *testing.T) {
	t.Parallel()
	t.Run("queues_one_job_for_each_sender_of_new_messages", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		inbox := whatsappdb.NewInbox(pool)
		batch := messageBatch(
			textMessage("w1", identity("", "254712345678"), "a"),
			textMessage("w2", identity("", "254712345678"), "b"),
			textMessage("w2", identity("", "254712345678"), "b"),
			textMessage("w3", identity("", "254700000000"), "c"))
		batch.Unhandled = []webhook.UnhandledItem{{Field: "f", Reason: "r", Raw: []byte("{\x00")}}
		mustStore(t, inbox, batch)
		if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM message`); got != 3 {
			t.Errorf("messages: got %d, want 3", got)
		}
		if got := countJobs(t, pool); got != 2 {
			t.Errorf("jobs: got %d, want one for each of 2 persons", got)
		}
		mustStore(t, inbox, messageBatch(batch.Messages...))
		if got := countJobs(t, pool); got != 2 {
			t.Errorf("jobs after the repeated webhook: got %d, want 2", got)
		}
		if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM unhandled_item`); got != 1 {
			t.Errorf("unhandled items: got %d, want 1", got)
		}
	})
	t.Run("concurrent_webhooks_of_the_same_new_persons_all_succeed", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		inbox := whatsappdb.NewInbox(pool)
		var group sync.WaitGroup
		for i := range 16 {
			group.Go(func() {
				var batch webhook.Batch
				for n := range 5 {
					batch.Messages = append(batch.Messages, textMessage(fmt.Sprint("w", i, "-", n), identity(fmt.Sprint("KE.", n), ""), "x"))
				}
				if err := inbox.Store(context.Background(), batch); err != nil {
					t.Errorf("Store: got error %v, want nil", err)
				}
			})
		}
		group.Wait()
		if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM message`); got != 80 {
			t.Errorf("messages: got %d, want 80", got)
		}
	})
	t.Run("stores_items_of_all_kinds_in_one_webhook", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		mustStore(t, whatsappdb.NewInbox(pool), oneOfEachKind())
		if diff := cmp.Diff(allStoredItems(), readStoredItems(t, pool)); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
	})
	t.Run("leaves_the_waitlist_entry_of_the_sender_unverified", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		addWaitlistEntry(t, pool, "+254712345678")
		mustStore(t, whatsappdb.NewInbox(pool), messageBatch(textMessage("w1", identity("", "254712345678"), "a")))
		if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM waitlist_entry WHERE verified_at IS NOT NULL`); got != 0 {
			t.Errorf("verified entries: got %d, want 0", got)
		}
		if due := mustDue(t, pool, onlyPersonID(t, pool)); !due.Person.Listed {
			t.Errorf("Listed: got false, want true: %+v", due.Person)
		}
	})
}

// addWaitlistEntry adds an entry as a sign-up does.
func addWaitlistEntry(t *testing.T, pool *pgxpool.Pool, number string) {
	t.Helper()
	_, err := waitlistdb.NewEntries(pool).Add(t.Context(), waitlist.NewEntry{
		Username:    sensitive.NewText("W"),
		PhoneNumber: sensitive.NewPhone(number),
	})
	if err != nil {
		t.Fatalf("Add: got error %v, want nil", err)
	}
}

// Meta delivers a webhook again when it got no response. A worker that is woken
// for nothing, or a job that finds nothing to do, would cost time each time.
func TestInbox_Store_Notification(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	inbox, conn := whatsappdb.NewInbox(pool), listenForJobs(t, pool)
	batch := messageBatch(
		textMessage("w1", identity("KE.1", ""), "a"),
		textMessage("w2", identity("KE.2", ""), "b"))
	const payload = `{"queue": "default"}`

	mustStore(t, inbox, batch)
	if diff := cmp.Diff([]string{payload}, receivedPayloads(t, pool, conn)); diff != "" {
		t.Errorf("notifications of the first delivery (-want +got):\n%s", diff)
	}
	if got := countJobs(t, pool); got != 2 {
		t.Errorf("jobs after the first delivery: got %d, want 2", got)
	}
	testdb.Exec(t, pool, `DELETE FROM river_job`)
	mustStore(t, inbox, batch)
	if diff := cmp.Diff([]string(nil), receivedPayloads(t, pool, conn)); diff != "" {
		t.Errorf("notifications of the second delivery (-want +got):\n%s", diff)
	}
	if got := countJobs(t, pool); got != 0 {
		t.Errorf("jobs after the second delivery: got %d, want 0", got)
	}
	batch.Messages = append(batch.Messages, textMessage("w3", identity("KE.2", ""), "c"))
	mustStore(t, inbox, batch)
	if diff := cmp.Diff([]string{payload}, receivedPayloads(t, pool, conn)); diff != "" {
		t.Errorf("notifications of a delivery with one new message (-want +got):\n%s", diff)
	}
	if got := countJobs(t, pool); got != 1 {
		t.Errorf("jobs after a delivery with one new message: got %d, want 1", got)
	}
}

// listenForJobs returns a connection that receives the notifications about new
// jobs.
func listenForJobs(t *testing.T, pool *pgxpool.Pool) *pgx.Conn {
	t.Helper()
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatalf("acquire: %v", err)
	}
	t.Cleanup(conn.Release)
	if _, err := conn.Exec(t.Context(), `LISTEN "public.river_insert"`); err != nil {
		t.Fatalf("listen: %v", err)
	}
	return conn.Conn()
}

// receivedPayloads returns the payloads of all notifications so far. PostgreSQL
// delivers them in the order of the commits, so it sends a last one and reads up
// to that.
func receivedPayloads(t *testing.T, pool *pgxpool.Pool, conn *pgx.Conn) (payloads []string) {
	t.Helper()
	const last = "last"
	testdb.Exec(t, pool, `SELECT pg_notify('public.river_insert', $1)`, last)
	for {
		notification, err := conn.WaitForNotification(t.Context())
		if err != nil {
			t.Fatalf("wait for a notification: %v", err)
		}
		if notification.Payload == last {
			return payloads
		}
		payloads = append(payloads, notification.Payload)
	}
}

// Meta's timestamp may be any, but it is the same in each copy of a message.
func TestInbox_Store_RepeatedMessage(t *testing.T) {
	t.Parallel()
	for name, hour := range map[string]time.Time{
		"without_hour":    {},
		"epoch":           time.Unix(0, 0).UTC(),
		"year_9999":       time.Date(9999, time.December, 31, 23, 0, 0, 0, time.UTC),
		"not_a_full_hour": time.Now(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			message := textMessage("w1", identity("KE.1", ""), "a")
			message.SentHour = hour
			for range 2 {
				mustStore(t, whatsappdb.NewInbox(pool), messageBatch(message, message))
			}
			if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM message`); got != 1 {
				t.Errorf("messages: got %d, want 1", got)
			}
		})
	}
}

// ErrUnstorable is only for data that the database can never store: such a
// webhook is not retried. After every other failure Meta has to retry it.
func TestInbox_Store_ErrUnstorable(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		setup, body string
		want        bool
	}{
		"null_character":            {`SELECT 1`, "\x00", true},
		"check_violation":           {`ALTER TABLE message ADD CHECK (body <> 'x')`, "x", true},
		"column_of_a_newer_version": {`ALTER TABLE message ADD extra int NOT NULL`, "x", false},
		"sequence_set_back_by_a_restore": {`
			INSERT INTO message (id, wamid, person_id, phone_number_id, type, body, sent_at) OVERRIDING SYSTEM VALUE
			VALUES (1, 'w0', 0, '', '', '', now())`, "x", false},
		"column_of_an_older_version": {`ALTER TABLE message RENAME sent_hour TO sent_on`, "x", false},
		"missing_table":              {`ALTER TABLE message RENAME TO messages`, "x", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			testdb.Exec(t, pool, tt.setup)
			err := whatsappdb.NewInbox(pool).Store(t.Context(), messageBatch(textMessage("w1", identity("KE.1", ""), tt.body)))
			if err == nil {
				t.Error("Store: got no error, want one")
			}
			if got := errors.Is(err, whatsapp.ErrUnstorable); got != tt.want {
				t.Errorf("Store: got error %v, is ErrUnstorable: %t, want %t", err, got, tt.want)
			}
		})
	}
}

// A webhook with one unstorable item of any kind is rejected as a whole. Its
// other items can be stored one by one.
func TestInbox_Store_ErrUnstorableOfEachKind(t *testing.T) {
	t.Parallel()
	const null = "\x00"
	for kind, bad := range map[string]webhook.Batch{
		"message":    messageBatch(textMessage("bad", identity("KE.1", ""), null)),
		"sender":     messageBatch(textMessage("bad", identity("KE.bad", "123"), "too short a number")),
		"status":     statusBatch(webhook.Status{WAMID: null, State: webhook.StateSent}),
		"edit":       editBatch("w1", null),
		"revocation": revokeBatch(null),
		"identity_change": {IdentityChanges: []webhook.IdentityChange{
			{From: identity("KE.1", ""), To: identity("KE.1", "123")}}},
		"echo": {Echoes: []webhook.Echo{{To: identity(null, ""), Pause: time.Hour}}},
		"preference": {Preferences: []webhook.Preference{{
			Who: identity("KE.1", ""), PhoneNumberID: "N", OptOut: true, Confirmation: sensitive.NewText(null)}}},
		"unhandled_item": {Unhandled: []webhook.UnhandledItem{{Field: null, Reason: "r", Raw: []byte(null)}}},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			inbox := whatsappdb.NewInbox(pool)
			batch := oneOfEachKind()
			good := batch.Len()
			batch.Append(bad)
			timeEvents(batch)

			if err := inbox.Store(t.Context(), batch); !errors.Is(err, whatsapp.ErrUnstorable) {
				t.Errorf("Store of the whole batch: got error %v, want ErrUnstorable", err)
			}
			if diff := cmp.Diff(storedItems{}, readStoredItems(t, pool)); diff != "" {
				t.Errorf("stored of the whole batch (-want +got):\n%s", diff)
			}
			stored, unstorable := 0, 0
			for _, item := range batch.Split() {
				switch err := inbox.Store(t.Context(), item); {
				case err == nil:
					stored++
				case errors.Is(err, whatsapp.ErrUnstorable):
					unstorable++
				default:
					t.Errorf("Store of one item: got error %v, want nil or ErrUnstorable", err)
				}
			}
			if stored != good || unstorable != 1 {
				t.Errorf("items: got %d stored and %d unstorable, want %d and 1", stored, unstorable, good)
			}
			if diff := cmp.Diff(allStoredItems(), readStoredItems(t, pool)); diff != "" {
				t.Errorf("stored one by one (-want +got):\n%s", diff)
			}
		})
	}
}

// oneOfEachKind returns a batch with two messages, one of which is edited and one
// revoked, and one item of each other kind.
func oneOfEachKind() webhook.Batch {
	batch := webhook.Batch{
		Messages: []webhook.Message{
			textMessage("w1", identity("KE.1", ""), "old"),
			textMessage("w2", identity("KE.1", ""), "secret"),
		},
		Statuses:        []webhook.Status{{WAMID: "out1", State: webhook.StateDelivered}},
		Edits:           []webhook.Edit{{WAMID: "w1", Text: sensitive.NewText("new")}},
		Revokes:         []webhook.Revoke{{WAMID: "w2"}},
		IdentityChanges: []webhook.IdentityChange{{From: identity("KE.1", ""), To: identity("KE.1", "254712345678")}},
		Echoes:          []webhook.Echo{{To: identity("KE.2", ""), Pause: time.Hour}},
		Preferences:     []webhook.Preference{{Who: identity("KE.3", ""), PhoneNumberID: "N", OptOut: true}},
		Unhandled:       []webhook.UnhandledItem{{Field: "f", Reason: "r", Raw: []byte("{}")}},
	}
	timeEvents(batch)
	return batch
}

// storedItems counts what the items of oneOfEachKind store.
type storedItems struct {
	Messages, Statuses, Edits, Revokes, IdentityChanges, Echoes, Preferences, Unhandled int
}

// allStoredItems are the counts after oneOfEachKind is stored.
func allStoredItems() storedItems {
	return storedItems{
		Messages:        2,
		Statuses:        1,
		Edits:           1,
		Revokes:         1,
		IdentityChanges: 1,
		Echoes:          1,
		Preferences:     1,
		Unhandled:       1,
	}
}

func readStoredItems(t *testing.T, pool *pgxpool.Pool) storedItems {
	t.Helper()
	return storedItems{
		Messages:        testdb.QueryInt(t, pool, `SELECT count(*) FROM message`),
		Statuses:        testdb.QueryInt(t, pool, `SELECT count(*) FROM pending_status WHERE wamid = 'out1' AND delivery = 'delivered'`),
		Edits:           testdb.QueryInt(t, pool, `SELECT count(*) FROM message WHERE wamid = 'w1' AND body = 'new'`),
		Revokes:         testdb.QueryInt(t, pool, `SELECT count(*) FROM message WHERE wamid = 'w2' AND revoked`),
		IdentityChanges: testdb.QueryInt(t, pool, `SELECT count(*) FROM person WHERE bsuid = 'KE.1' AND wa_id = '254712345678'`),
		Echoes:          testdb.QueryInt(t, pool, `SELECT count(*) FROM person WHERE bsuid = 'KE.2' AND paused_until > now()`),
		Preferences:     testdb.QueryInt(t, pool, `SELECT count(*) FROM person WHERE bsuid = 'KE.3' AND opted_out_at IS NOT NULL`),
		Unhandled:       testdb.QueryInt(t, pool, `SELECT count(*) FROM unhandled_item`),
	}
}
