package whatsappdb_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

// wantOnePersonWith checks that exactly one person satisfies the condition.
func wantOnePersonWith(t *testing.T, pool *pgxpool.Pool, condition string) {
	t.Helper()
	if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM person WHERE `+condition); got != 1 {
		t.Errorf("persons with %s: got %d, want 1", condition, got)
	}
}

// countMessagesOf returns the number of messages of the person with both
// identifiers.
func countMessagesOf(t *testing.T, pool *pgxpool.Pool, bsuid, waID string) int {
	t.Helper()
	return testdb.QueryInt(t, pool, `
		SELECT count(*) FROM message
		WHERE person_id = (SELECT id FROM person WHERE bsuid = $1 AND wa_id = $2)`, bsuid, waID)
}

func TestInbox_Store_Persons(t *testing.T) {
	t.Parallel()
	t.Run("either_identifier_finds_the_person", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		for i, sender := range []webhook.Identity{
			identity("", "254712345678"),
			identity("KE.1", "254712345678"),
			identity("KE.1", ""),
			identity("", "254712345678"),
		} {
			mustStore(t, whatsappdb.NewInbox(pool), messageBatch(textMessage(fmt.Sprint("w", i), sender, "x")))
		}
		if got := countPersons(t, pool); got != 1 {
			t.Errorf("persons: got %d, want 1", got)
		}
		if got := countMessagesOf(t, pool, "KE.1", "254712345678"); got != 4 {
			t.Errorf("messages of the person: got %d, want 4", got)
		}
	})
	t.Run("message_with_both_identifiers_merges_two_persons", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		inbox := whatsappdb.NewInbox(pool)
		mustStore(t, inbox, messageBatch(textMessage("w1", identity("", "254712345678"), "a")))
		mustStore(t, inbox, messageBatch(textMessage("w2", identity("KE.1", ""), "b")))
		if got := countPersons(t, pool); got != 2 {
			t.Fatalf("persons before the merge: got %d, want 2", got)
		}
		mustStore(t, inbox, messageBatch(textMessage("w3", identity("KE.1", "254712345678"), "c")))
		if got := countMessagesOf(t, pool, "KE.1", "254712345678"); got != 3 {
			t.Errorf("messages of the merged person: got %d, want 3", got)
		}
		if got := countPersons(t, pool); got != 1 {
			t.Errorf("persons after the merge: got %d, want 1", got)
		}
	})
	t.Run("new_owner_of_a_number_leaves_the_former_owner_their_new_number", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		inbox := whatsappdb.NewInbox(pool)
		mustStore(t, inbox, messageBatch(
			textMessage("a", identity("KE.1", "254700000001"), "a"),
			textMessage("z", identity("KE.9", "254700000009"), "z")))
		mustStore(t, inbox, messageBatch(
			textMessage("b", identity("KE.1", "254700000002"), "b"),
			textMessage("y", identity("KE.9", "254700000001"), "y")))
		wantOnePersonWith(t, pool, `bsuid = 'KE.1' AND wa_id = '254700000002'`)
		wantOnePersonWith(t, pool, `bsuid = 'KE.9' AND wa_id = '254700000001'`)
	})
	t.Run("one_webhook_uses_the_old_and_the_new_number_of_a_person", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		inbox := whatsappdb.NewInbox(pool)
		mustStore(t, inbox, messageBatch(textMessage("w1", identity("KE.1", "254700000001"), "x")))
		mustStore(t, inbox, messageBatch(
			textMessage("w2", identity("", "254700000001"), "x"),
			textMessage("w3", identity("KE.1", "254700000002"), "x")))
		if got := countMessagesOf(t, pool, "KE.1", "254700000002"); got != 3 {
			t.Errorf("messages of the person: got %d, want 3", got)
		}
	})
}

// Two instances that store the same person's user id at the same moment lock the
// same rows. A deadlock would cost a second.
func TestInbox_Store_PersonsDeadlock(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	instances := []*whatsappdb.Inbox{whatsappdb.NewInbox(pool), whatsappdb.NewInbox(pool)}
	const persons = 20
	for k := range persons {
		waID := fmt.Sprintf("2547123%05d", k)
		mustStore(t, instances[0], messageBatch(textMessage(fmt.Sprint("first", k), identity("", waID), "x")))
		var group sync.WaitGroup
		for i, inbox := range instances {
			message := textMessage(fmt.Sprint("w", k, "-", i), identity(fmt.Sprint("KE.", k), waID), "x")
			group.Go(func() {
				if err := inbox.Store(t.Context(), messageBatch(message)); err != nil {
					t.Errorf("Store: got error %v, want nil", err)
				}
			})
		}
		group.Wait()
	}
	pool.Reset() // a connection reports its counters when it closes
	if got := testdb.QueryInt(t, pool, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`); got != 0 {
		t.Errorf("deadlocks: got %d, want 0", got)
	}
	if got := countPersons(t, pool); got != persons {
		t.Errorf("persons: got %d, want %d", got, persons)
	}
}

// Two persons write from the same number at the same moment, and a third person
// without a user id had it before. Only one of the two gets the number.
func TestInbox_Store_NumberClaimedTwice(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	const number = "254700000001"
	mustStore(t, whatsappdb.NewInbox(pool), messageBatch(textMessage("0", identity("", number), "a")))
	stored := make(chan error)
	for _, bsuid := range []string{"KE.A", "KE.B"} {
		go func() {
			stored <- whatsappdb.NewInbox(pool).Store(context.WithoutCancel(t.Context()),
				messageBatch(textMessage(bsuid, identity(bsuid, number), "b")))
		}()
	}
	for range 2 {
		if err := <-stored; err != nil && !fault.Is(err, fault.Unavailable) {
			t.Errorf("Store: got error %v, want nil or fault.Unavailable", err)
		}
	}
	if got := testdb.QueryInt(t, pool, `SELECT count(DISTINCT bsuid) FROM person JOIN message ON person_id = person.id WHERE wamid = bsuid`); got != 2 {
		t.Errorf("messages that belong to their senders: got %d, want 2", got)
	}
	if got := countPersons(t, pool); got != 2 {
		t.Errorf("persons: got %d, want 2", got)
	}
}

// A merge moves messages to another person. They have no job of that person yet.
func TestInbox_Store_MergeQueuesJob(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]webhook.Batch{
		"preference": {Preferences: []webhook.Preference{{Who: identity("KE.A", "254700000001")}}},
		"echo":       {Echoes: []webhook.Echo{{To: identity("KE.A", "254700000001"), Pause: time.Second}}},
		"message":    messageBatch(textMessage("c", identity("KE.A", "254700000001"), "c")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			inbox := whatsappdb.NewInbox(pool)
			mustStore(t, inbox, messageBatch(textMessage("a", identity("KE.A", ""), "a")))
			mustStore(t, inbox, messageBatch(textMessage("b", identity("", "254700000001"), "b")))
			testdb.Exec(t, pool, `DELETE FROM river_job`) // as if workers had begun them
			mustStore(t, inbox, event)
			if got := testdb.QueryInt(t, pool, `
				SELECT count(*) FROM message JOIN river_job ON (args->>'person_id')::bigint = person_id WHERE wamid = 'b'`); got == 0 {
				t.Error("jobs for the moved message: got 0, want at least 1")
			}
		})
	}
}

// answer.person_id has no foreign key. An answer that is saved while its person is
// merged must move to the other person, or not be saved.
func TestInbox_Store_MergeDuringSaveAnswer(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	inbox, conversations := whatsappdb.NewInbox(pool), whatsappdb.NewConversations(pool)
	const pairs = 20
	var group sync.WaitGroup
	for k := range pairs {
		bsuid, waID := fmt.Sprint("KE.", k), fmt.Sprintf("2547123%05d", k)
		mustStore(t, inbox, messageBatch(
			textMessage(fmt.Sprint("a", k), identity(bsuid, ""), "a"),
			textMessage(fmt.Sprint("b", k), identity("", waID), "b")))
		merged := int64(testdb.QueryInt(t, pool, `SELECT id FROM person WHERE wa_id = $1`, waID))
		answer := whatsapp.Answer{
			PersonID:      merged,
			PhoneNumberID: "N",
			MessageIDs:    []int64{mustDue(t, pool, merged).Messages[0].ID},
			BeginSend:     true,
			Recipient:     identity("", waID),
			Completion:    whatsapp.Completion{Text: sensitive.NewText("x")},
			Parts:         []whatsapp.NewPart{{Body: sensitive.NewText("x")}},
		}
		group.Go(func() {
			if _, err := conversations.SaveAnswer(t.Context(), answer); err != nil && !errors.Is(err, whatsapp.ErrAlreadyDone) {
				t.Errorf("SaveAnswer: got error %v, want nil or ErrAlreadyDone", err)
			}
		})
		group.Go(func() {
			merging := textMessage(fmt.Sprint("c", k), identity(bsuid, waID), "c")
			if err := inbox.Store(t.Context(), messageBatch(merging)); err != nil {
				t.Errorf("Store: got error %v, want nil", err)
			}
		})
	}
	group.Wait()
	if got := countPersons(t, pool); got != pairs {
		t.Errorf("persons: got %d, want %d", got, pairs)
	}
	for _, table := range []string{"message", "answer", "answer_part"} {
		if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM `+table+` WHERE person_id NOT IN (SELECT id FROM person)`); got != 0 {
			t.Errorf("rows of %s without a person: got %d, want 0", table, got)
		}
	}
	if got := testdb.QueryInt(t, pool, `
		SELECT count(*) FROM message JOIN answer ON answer.id = answer_id WHERE message.person_id <> answer.person_id`); got != 0 {
		t.Errorf("messages with an answer to another person: got %d, want 0", got)
	}
}
