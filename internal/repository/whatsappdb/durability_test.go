package whatsappdb_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/localpg"
	"aisha/internal/fault"
	"aisha/internal/repository/schema"
	"aisha/internal/repository/waitlistdb"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/whatsapp"
)

// storeMethod is a method that stores something under a name. Its concurrent
// calls share a commit.
type storeMethod struct {
	table   string
	store   func(ctx context.Context, name string) error
	waiting func() int // calls that wait for the next commit
	count   string     // query that counts the complete rows of a name
}

// unstorableName has a null character, which PostgreSQL cannot store in a text.
const unstorableName = "\x00"

func newAddMethod(pool *pgxpool.Pool) storeMethod {
	entries := waitlistdb.NewEntries(pool)
	return storeMethod{
		table: "waitlist_entry",
		count: `SELECT count(*) FROM waitlist_entry WHERE username = $1`,
		store: func(ctx context.Context, name string) error {
			_, err := entries.Add(ctx, waitlist.NewEntry{Username: sensitive.NewText(name), PhoneNumber: numberOf(name)})
			return err
		},
	}
}

// numberOf returns a phone number that is the same for each call with the name.
func numberOf(name string) sensitive.Phone {
	return sensitive.NewPhone(fmt.Sprintf("+2547%08d", crc32.ChecksumIEEE([]byte(name))%100_000_000))
}

func newStoreMethod(pool *pgxpool.Pool) storeMethod {
	inbox := whatsappdb.NewInbox(pool)
	return storeMethod{
		table:   "message",
		waiting: inbox.Waiting,
		count: `
			SELECT count(*) FROM message
			WHERE wamid = $1 AND EXISTS (SELECT FROM river_job WHERE (args->>'person_id')::bigint = message.person_id)`,
		store: func(ctx context.Context, name string) error {
			return inbox.Store(ctx, messageBatch(textMessage(name, identity("KE."+name, ""), "x")))
		},
	}
}

func newSaveAnswerMethod(t *testing.T, pool *pgxpool.Pool) storeMethod {
	t.Helper()
	conversations := whatsappdb.NewConversations(pool)
	personID := int64(testdb.QueryInt(t, pool, `INSERT INTO person (bsuid) VALUES ('KE.answered') RETURNING id`))
	return storeMethod{
		table:   "answer",
		waiting: conversations.Waiting,
		count: `
			SELECT count(*) FROM answer JOIN answer_part AS part ON part.answer_id = answer.id
			WHERE answer.body = $1 AND part.body = $1`,
		store: func(ctx context.Context, name string) error {
			text := sensitive.NewText(name)
			_, err := conversations.SaveAnswer(ctx, whatsapp.Answer{
				PersonID:   personID,
				Completion: whatsapp.Completion{Text: text},
				Parts:      []whatsapp.NewPart{{Body: text}},
			})
			return err
		},
	}
}

// forEachStoreMethod runs the test for each method of this package, with a
// database of its own.
func forEachStoreMethod(t *testing.T, test func(*testing.T, *pgxpool.Pool, storeMethod)) {
	t.Helper()
	t.Run("Inbox.Store", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		test(t, pool, newStoreMethod(pool))
	})
	t.Run("Conversations.SaveAnswer", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		test(t, pool, newSaveAnswerMethod(t, pool))
	})
}

func TestSharedCommit_UnstorableRowFailsOnlyItsCall(t *testing.T) {
	t.Parallel()
	forEachStoreMethod(t, func(t *testing.T, pool *pgxpool.Pool, m storeMethod) {
		const others = 20
		unblock := blockInserts(t, pool, m.table)
		var group sync.WaitGroup
		begin := func(name string) {
			group.Go(func() {
				err := m.store(t.Context(), name)
				if got, want := err != nil, name == unstorableName; got != want {
					t.Errorf("call %q: got error %v, want an error: %t", name, err, want)
				}
				if fault.Is(err, fault.Unavailable) {
					t.Errorf("call %q: got error %v, want one that is not fault.Unavailable", name, err)
				}
			})
		}
		begin("first")
		waitUntil(t, "the first commit waits for the table", func() bool { return countLockWaits(t, pool) > 0 })
		begin(unstorableName)
		for n := range others {
			begin(fmt.Sprint("n", n))
		}
		waitUntil(t, "all other calls wait for the next commit", func() bool { return m.waiting() == others+1 })
		unblock()
		group.Wait()
		if got, want := testdb.QueryInt(t, pool, `SELECT count(*) FROM `+m.table), 1+others; got != want {
			t.Errorf("rows of %s: got %d, want %d", m.table, got, want)
		}
	})
}

// A cancelled call that waits for the next commit stores nothing. A call that
// commits already is not cancelled.
func TestSharedCommit_CancelledCallStoresAllOrNothing(t *testing.T) {
	t.Parallel()
	forEachStoreMethod(t, func(t *testing.T, pool *pgxpool.Pool, m storeMethod) {
		unblock := blockInserts(t, pool, m.table)
		cancelled, cancel := context.WithCancel(t.Context())
		defer cancel()
		var group sync.WaitGroup
		begin := func(ctx context.Context, name string, want error) {
			group.Go(func() {
				if err := m.store(ctx, name); !errors.Is(err, want) {
					t.Errorf("call %q: got error %v, want %v", name, err, want)
				}
			})
		}
		begin(cancelled, "committing", nil)
		waitUntil(t, "its commit waits for the table", func() bool { return countLockWaits(t, pool) > 0 })
		begin(cancelled, "waiting", context.Canceled)
		begin(t.Context(), "not cancelled", nil)
		waitUntil(t, "both wait for the next commit", func() bool { return m.waiting() == 2 })
		cancel()
		unblock()
		group.Wait()
		for name, want := range map[string]int{"committing": 1, "waiting": 0, "not cancelled": 1} {
			if got := testdb.QueryInt(t, pool, m.count, name); got != want {
				t.Errorf("rows of call %q: got %d, want %d", name, got, want)
			}
		}
	})
}

// acknowledgement is a call that returned no error.
type acknowledgement struct{ method, name string }

// The server is killed during commits. Every call returns, and everything that a
// call stored without an error is there after the restart.
func TestSharedCommit_AcknowledgedRowsOutliveTheServer(t *testing.T) {
	t.Parallel()
	options := localpg.Options{Dir: t.TempDir(), Durable: true}
	cluster, err := localpg.Start(t.Context(), options)
	if err != nil {
		t.Fatalf("start the server: %v", err)
	}
	pool := testdb.Connect(t, cluster.URL("postgres"))
	if err := schema.Migrate(t.Context(), pool); err != nil {
		t.Fatalf("Migrate: got error %v, want nil", err)
	}
	methods := map[string]storeMethod{
		"Entries.Add":              newAddMethod(pool),
		"Inbox.Store":              newStoreMethod(pool),
		"Conversations.SaveAnswer": newSaveAnswerMethod(t, pool),
	}
	acknowledged := storeUntilKilled(t, methods, cluster.Kill)

	if cluster, err = localpg.Start(t.Context(), options); err != nil {
		t.Fatalf("restart the server: %v", err)
	}
	defer func() { _ = cluster.Stop() }()
	pool = testdb.Connect(t, cluster.URL("postgres"))
	for _, a := range acknowledged {
		if got := testdb.QueryInt(t, pool, methods[a.method].count, a.name); got != 1 {
			t.Errorf("rows of the acknowledged call %s %s: got %d, want 1", a.method, a.name, got)
		}
	}
}

// storeUntilKilled calls the methods concurrently, kills the server when much is
// stored, and returns the calls without an error. A call that does not return
// lets the test time out.
func storeUntilKilled(t *testing.T, methods map[string]storeMethod, kill func() error) (acknowledged []acknowledgement) {
	t.Helper()
	const callers = 16
	var mu sync.Mutex
	var group sync.WaitGroup
	for methodName, method := range methods {
		for caller := range callers {
			group.Go(func() {
				for n := 0; ; n++ {
					name := fmt.Sprint(caller, "-", n)
					if err := method.store(t.Context(), name); err != nil {
						if !fault.Is(err, fault.Unavailable) {
							t.Errorf("%s without a server: got error %v, want fault.Unavailable", methodName, err)
						}
						return
					}
					mu.Lock()
					acknowledged = append(acknowledged, acknowledgement{methodName, name})
					mu.Unlock()
				}
			})
		}
	}
	waitUntil(t, "more than 300 calls are acknowledged", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(acknowledged) > 300
	})
	if err := kill(); err != nil {
		t.Fatalf("kill the server: %v", err)
	}
	group.Wait()
	return acknowledged
}
