package repository_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"aisha/internal/repository"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

func named(userID, phone string) whatsapp.Identity {
	return whatsapp.Identity{UserID: userID, Phone: sensitive.NewPhone(phone)}
}

// Two instances that learn the same person's user id at the same moment wait
// for each other in turn. A deadlock would cost a second, and be counted.
func TestTwoInstancesThatLearnANameDoNotDeadlock(t *testing.T) {
	t.Parallel()
	pool := open(t)
	instances := []*repository.Inbox{repository.NewInbox(pool), repository.NewInbox(pool)}
	for k := range 20 {
		phone := fmt.Sprintf("2547123%05d", k)
		store(t, instances[0], whatsapp.Batch{Messages: []whatsapp.Message{text(fmt.Sprint("first", k), "", phone, "x")}})
		var group sync.WaitGroup
		for i, inbox := range instances {
			message := text(fmt.Sprint("w", k, "-", i), fmt.Sprint("KE.", k), phone, "x")
			group.Go(func() {
				if err := inbox.Store(t.Context(), whatsapp.Batch{Messages: []whatsapp.Message{message}}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
	pool.Reset() // a session tells what it counted when it ends
	if n := count(t, pool, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`); n > 0 {
		t.Errorf("%d deadlocks", n)
	}
	if n := people(t, pool); n != 20 {
		t.Errorf("there are %d persons, want 20", n)
	}
}

func TestANumberThatChangesHandsLeavesItsFormerOwner(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]whatsapp.Identity{
		"with the user id":    named("KE.A", "254700000002"),
		"without the user id": named("", "254700000002"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := open(t)
			inbox := repository.NewInbox(pool)
			store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{
				text("a", "KE.A", "254700000001", "a"), text("z", "KE.Z", "254700000002", "z"),
			}})
			store(t, inbox, whatsapp.Batch{Renames: []whatsapp.Rename{{From: named("KE.A", "254700000001"), To: to}}})
			for _, want := range []string{
				`user_id = 'KE.A' AND phone = '254700000002' AND wamid = 'a'`,
				`user_id = 'KE.Z' AND phone IS NULL AND wamid = 'z'`,
			} {
				if n := count(t, pool, `SELECT count(*) FROM person JOIN message ON person_id = person.id WHERE `+want); n != 1 {
					t.Errorf("%d rows are %s", n, want)
				}
			}
		})
	}
}

// Two numbers change hands in one webhook: who writes from a new one keeps it
// when somebody else writes from their old one.
func TestWhoGivesANumberAwayKeepsTheirNewOne(t *testing.T) {
	t.Parallel()
	pool := open(t)
	inbox := repository.NewInbox(pool)
	store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{
		text("a", "KE.1", "254700000001", "a"), text("z", "KE.9", "254700000009", "z"),
	}})
	store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{
		text("b", "KE.1", "254700000002", "b"), text("y", "KE.9", "254700000001", "y"),
	}})
	for _, want := range []string{`user_id = 'KE.1' AND phone = '254700000002'`, `user_id = 'KE.9' AND phone = '254700000001'`} {
		if n := count(t, pool, `SELECT count(*) FROM person WHERE `+want); n != 1 {
			t.Errorf("%d persons are %s", n, want)
		}
	}
}

// What waits must have a job of whoever it is found to belong to.
// One webhook may tell of a person by the number that another item of it says
// they have no more.
func TestANumberIsGivenAwayInTheWebhookThatStillUsesIt(t *testing.T) {
	t.Parallel()
	pool := open(t)
	inbox := repository.NewInbox(pool)
	store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{text("w1", "KE.1", "254700000001", "x")}})
	store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{
		text("w2", "", "254700000001", "x"), text("w3", "KE.1", "254700000002", "x"),
	}})
	if n := count(t, pool, `SELECT count(*) FROM message WHERE person_id = (SELECT id FROM person WHERE user_id = 'KE.1' AND phone = '254700000002')`); n != 3 {
		t.Errorf("%d messages are theirs, want 3", n)
	}
}

// Answers name their person without a foreign key.
func TestAnAnswerToSomebodyWhoIsMergedAtThisMomentIsNobodyElses(t *testing.T) {
	t.Parallel()
	pool := open(t)
	inbox, conversations := repository.NewInbox(pool), repository.NewConversations(pool)
	const pairs = 20
	var group sync.WaitGroup
	for k := range pairs {
		phone, userID := fmt.Sprintf("2547123%05d", k), fmt.Sprint("KE.", k)
		store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{
			text(fmt.Sprint("a", k), userID, "", "a"), text(fmt.Sprint("b", k), "", phone, "b"),
		}})
		gone := int64(count(t, pool, `SELECT id FROM person WHERE phone = $1`, phone))
		due, err := conversations.Due(t.Context(), gone)
		if err != nil {
			t.Fatal(err)
		}
		answer := whatsapp.Answer{PersonID: gone, PhoneNumberID: "N", MessageIDs: []int64{due.Waiting[0].ID}, Begin: true,
			Words: whatsapp.Words{Body: sensitive.NewText("x")}, Parts: []whatsapp.OutgoingPart{{Body: sensitive.NewText("x")}}}
		group.Go(func() {
			if _, err := conversations.SaveAnswer(t.Context(), answer); err != nil && !errors.Is(err, whatsapp.ErrOvertaken) {
				t.Error(err)
			}
		})
		group.Go(func() {
			shows := text(fmt.Sprint("c", k), userID, phone, "c")
			if err := inbox.Store(t.Context(), whatsapp.Batch{Messages: []whatsapp.Message{shows}}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := people(t, pool); n != pairs {
		t.Errorf("there are %d persons, want %d", n, pairs)
	}
	for _, table := range []string{"message", "answer", "part"} {
		if n := count(t, pool, `SELECT count(*) FROM `+table+` WHERE person_id NOT IN (SELECT id FROM person)`); n != 0 {
			t.Errorf("%d rows of %s belong to nobody", n, table)
		}
	}
	if n := count(t, pool, `
		SELECT count(*) FROM message JOIN answer ON answer.id = answer_id WHERE message.person_id <> answer.person_id`); n != 0 {
		t.Errorf("%d messages are answered to somebody else", n)
	}
}

func TestAMergeIsFollowedByAReply(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]whatsapp.Batch{
		"a preference": {Preferences: []whatsapp.Preference{{Who: named("KE.A", "254700000001")}}},
		"an echo":      {Echoes: []whatsapp.Echo{{To: named("KE.A", "254700000001"), Pause: time.Second}}},
		"a message":    {Messages: []whatsapp.Message{text("c", "KE.A", "254700000001", "c")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := open(t)
			inbox := repository.NewInbox(pool)
			store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{text("a", "KE.A", "", "a")}})
			store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{text("b", "", "254700000001", "b")}})
			if _, err := pool.Exec(t.Context(), `DELETE FROM river_job`); err != nil { // they are being worked on
				t.Fatal(err)
			}
			store(t, inbox, event)
			if n := count(t, pool, `
				SELECT count(*) FROM message JOIN river_job ON (args->>'person_id')::bigint = person_id WHERE wamid = 'b'`); n == 0 {
				t.Error("nobody is told of the message that waits")
			}
		})
	}
}
