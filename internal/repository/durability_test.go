package repository_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/dev/localpg"
	"aisha/internal/fault"
	"aisha/internal/repository"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

// await waits for a condition that something else brings about.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// stall keeps commits from ending that insert into the table, until released.
func stall(t *testing.T, pool *pgxpool.Pool, table string) (release func()) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `LOCK TABLE `+table+` IN SHARE MODE`); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

func stalled(t *testing.T, pool *pgxpool.Pool) func() bool {
	return func() bool {
		return count(t, pool, `
			SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
	}
}

// door is a way by which callers bring something to be stored.
type door struct {
	table   string
	store   func(ctx context.Context, name string) error
	waiting func() int
	find    string // counts what stands of a name
}

// bad is a name that PostgreSQL cannot store. What services hand over has none.
const bad = "\x00"

func doors(t *testing.T, pool *pgxpool.Pool) map[string]door {
	t.Helper()
	list, inbox, conversations := repository.NewWaitingList(pool), repository.NewInbox(pool), repository.NewConversations(pool)
	person := int64(count(t, pool, `
		INSERT INTO person (user_id) VALUES ('KE.answered') ON CONFLICT (user_id) DO UPDATE SET user_id = excluded.user_id RETURNING id`))
	return map[string]door{
		"sign-ups": {
			table:   "waiting_list",
			waiting: list.Waiting,
			find:    `SELECT count(*) FROM waiting_list WHERE username = $1 AND phone_number = 'p' || $1`,
			store: func(ctx context.Context, name string) error {
				_, err := list.Add(ctx, signUp(name, "p"+name))
				return err
			},
		},
		"webhooks": {
			table:   "message",
			waiting: inbox.Waiting,
			find: `
				SELECT count(*) FROM message
				WHERE wamid = $1 AND EXISTS (SELECT FROM river_job WHERE (args->>'person_id')::bigint = message.person_id)`,
			store: func(ctx context.Context, name string) error {
				return inbox.Store(ctx, whatsapp.Batch{Messages: []whatsapp.Message{text(name, "KE."+name, "", "x")}})
			},
		},
		"answers": {
			table:   "answer",
			waiting: conversations.Waiting,
			find:    `SELECT count(*) FROM answer JOIN part ON part.answer_id = answer.id WHERE answer.body = $1 AND part.body = $1`,
			store: func(ctx context.Context, name string) error {
				words := sensitive.NewText(name)
				_, err := conversations.SaveAnswer(ctx, whatsapp.Answer{
					PersonID: person, Words: whatsapp.Words{Body: words}, Parts: []whatsapp.OutgoingPart{{Body: words}},
				})
				return err
			},
		},
	}
}

// eachDoor runs the test with a database of its own for every door.
func eachDoor(t *testing.T, test func(*testing.T, *pgxpool.Pool, door)) {
	for _, name := range []string{"sign-ups", "webhooks", "answers"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := open(t)
			test(t, pool, doors(t, pool)[name])
		})
	}
}

func TestOneBadRowCostsOnlyItsOwnCall(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, pool *pgxpool.Pool, d door) {
		const others = 20
		release := stall(t, pool, d.table)
		var group sync.WaitGroup
		begin := func(name string) {
			group.Go(func() {
				err := d.store(t.Context(), name)
				if wrong := name == bad; wrong != (err != nil) || fault.Is(err, fault.Unavailable) {
					t.Errorf("%q ended with %v", name, err)
				}
			})
		}
		begin("first")
		await(t, "the first commit stalls", stalled(t, pool))
		begin(bad)
		for n := range others {
			begin(fmt.Sprint("n", n))
		}
		await(t, "all wait for the next commit", func() bool { return d.waiting() == others+1 })
		release()
		group.Wait()
		if n := count(t, pool, `SELECT count(*) FROM `+d.table); n != 1+others {
			t.Errorf("%d rows stand, want %d", n, 1+others)
		}
	})
}

func TestWhatIsGivenUpLeavesNoTraceOrAWholeOne(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, pool *pgxpool.Pool, d door) {
		release := stall(t, pool, d.table)
		impatient, giveUp := context.WithCancel(t.Context())
		var group sync.WaitGroup
		begin := func(ctx context.Context, name string, want error) {
			group.Go(func() {
				if err := d.store(ctx, name); !errors.Is(err, want) {
					t.Errorf("%s ended with %v, want %v", name, err, want)
				}
			})
		}
		begin(impatient, "committing", nil) // who commits learns what came of it
		await(t, "its commit stalls", stalled(t, pool))
		begin(impatient, "waiting", context.Canceled)
		begin(t.Context(), "patient", nil)
		await(t, "both wait for the next commit", func() bool { return d.waiting() == 2 })
		giveUp()
		release()
		group.Wait()
		for name, want := range map[string]int{"committing": 1, "waiting": 0, "patient": 1} {
			if n := count(t, pool, d.find, name); n != want {
				t.Errorf("%s stands %d times, want %d", name, n, want)
			}
		}
	})
}

// The server is killed while commits are under way. Nobody hangs, and all that
// was told to be stored is there when it is back.
func TestWhatWasAcknowledgedOutlivesTheServer(t *testing.T) {
	t.Parallel()
	options := localpg.Options{Dir: t.TempDir(), Durable: true}
	cluster, err := localpg.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	pool := connect(t, cluster.URL("postgres"))
	if err := repository.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	const callers = 16
	var acknowledged sync.Map // door + name
	var group sync.WaitGroup
	total := func() (n int) { acknowledged.Range(func(any, any) bool { n++; return true }); return n }
	for door, d := range doors(t, pool) {
		for c := range callers {
			group.Go(func() {
				for n := 0; ; n++ {
					name := fmt.Sprint(c, "-", n)
					if err := d.store(t.Context(), name); err != nil {
						if !fault.Is(err, fault.Unavailable) {
							t.Errorf("the loss of the server showed as %v", err)
						}
						return
					}
					acknowledged.Store([2]string{door, name}, nil)
				}
			})
		}
	}
	await(t, "much is stored", func() bool { return total() > 300 })
	if err := cluster.Kill(); err != nil {
		t.Fatal(err)
	}
	group.Wait() // a call that hung would make the test time out

	if cluster, err = localpg.Start(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cluster.Stop() }()
	pool = connect(t, cluster.URL("postgres"))
	found := doors(t, pool)
	acknowledged.Range(func(key, _ any) bool {
		door, name := key.([2]string)[0], key.([2]string)[1]
		if n := count(t, pool, found[door].find, name); n != 1 {
			t.Errorf("of %s, %s was acknowledged and stands %d times", door, name, n)
		}
		return true
	})
}
