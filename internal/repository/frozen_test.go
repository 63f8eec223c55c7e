package repository_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/fault"
	"aisha/internal/repository"
	"aisha/internal/service/whatsapp"
)

// What an instance may hold when it stands still: while it stores a webhook, and
// while it does something for the person with the number below.
const (
	storing = `SELECT pg_advisory_xact_lock_shared($1::int, 0)`
	working = `SELECT $1::int FROM person WHERE phone = '254700000001' FOR UPDATE`
)

// frozen is a transaction of an instance that stands still. PostgreSQL ends it
// after a while; the test does so before.
func frozen(t *testing.T, pool *pgxpool.Pool, holding string) pgx.Tx {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), holding, repository.PeopleLocks)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

// What would make one person of two has to wait for an instance that stands
// still, but what everybody else says is stored meanwhile, by any instance.
func TestWhoStandsStillHoldsUpNoMessages(t *testing.T) {
	t.Parallel()
	merging := whatsapp.Batch{Messages: []whatsapp.Message{text("c", "KE.A", "254700000001", "c")}}
	for name, tt := range map[string]struct {
		holding string
		event   whatsapp.Batch
	}{
		"beside a change of name":                   {storing, whatsapp.Batch{Renames: []whatsapp.Rename{{From: named("KE.A", ""), To: named("KE.B", "")}}}},
		"beside a message that shows two to be one": {storing, merging},
		"with a row of one of the two":              {working, merging},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := open(t)
			one, other := repository.NewInbox(pool), repository.NewInbox(pool)
			store(t, one, whatsapp.Batch{Messages: []whatsapp.Message{text("a", "KE.A", "", "a")}})
			store(t, one, whatsapp.Batch{Messages: []whatsapp.Message{text("b", "", "254700000001", "b")}})
			still := frozen(t, pool, tt.holding)
			merged := make(chan error, 1)
			go func() { merged <- one.Store(context.WithoutCancel(t.Context()), tt.event) }()
			for k := range 20 {
				for _, inbox := range []*repository.Inbox{one, other} {
					id := fmt.Sprintf("%d-%p", k, inbox)
					store(t, inbox, whatsapp.Batch{Messages: []whatsapp.Message{text(id, "KE."+id, "", "x")}})
				}
			}
			if err := still.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-merged; err != nil {
				t.Error(err)
			}
		})
	}
}

// Two persons who write from one number at the same time are two, whoever of
// them it was known to belong to.
func TestANumberThatTwoClaimAtOnceBelongsToOne(t *testing.T) {
	t.Parallel()
	pool := open(t)
	const number = "254700000001"
	store(t, repository.NewInbox(pool), whatsapp.Batch{Messages: []whatsapp.Message{text("0", "", number, "a")}})
	stored := make(chan error)
	for _, id := range []string{"KE.A", "KE.B"} {
		go func() {
			stored <- repository.NewInbox(pool).Store(context.WithoutCancel(t.Context()),
				whatsapp.Batch{Messages: []whatsapp.Message{text(id, id, number, "b")}})
		}()
	}
	for range 2 {
		if err := <-stored; err != nil && !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
	}
	if n := count(t, pool, `SELECT count(DISTINCT user_id) FROM person JOIN message ON person_id = person.id WHERE wamid = user_id`); n != 2 {
		t.Errorf("%d of 2 messages are their writers'", n)
	}
	if n := people(t, pool); n != 2 {
		t.Errorf("there are %d persons", n)
	}
}
