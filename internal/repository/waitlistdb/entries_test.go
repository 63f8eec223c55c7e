package waitlistdb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timeout while waiting until %s", what)
		}
	}
}

// blockInserts blocks inserts into waitlist_entry until release is called.
func blockInserts(t *testing.T, pool *pgxpool.Pool) (release func()) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	if _, err := tx.Exec(t.Context(), `LOCK TABLE waitlist_entry IN SHARE MODE`); err != nil {
		t.Fatalf("lock the table: %v", err)
	}
	return func() {
		if err := tx.Rollback(context.Background()); err != nil {
			t.Errorf("unlock the table: %v", err)
		}
	}
}

func awaitBlockedInsert(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	await(t, "an insert waits for the table lock", func() bool {
		return testdb.QueryInt(t, pool, `
			SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
	})
}

func newEntry(name, number string) waitlist.NewEntry {
	return waitlist.NewEntry{Username: sensitive.NewText(name), PhoneNumber: sensitive.NewPhone(number)}
}

func TestEntries_Add_duplicate(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	entries := NewEntries(pool)

	first, err := entries.Add(t.Context(), newEntry("John", "+254712345678"))
	if err != nil || first.ID != 1 {
		t.Fatalf("Add: got %v, %v; want id 1", first, err)
	}
	again, err := entries.Add(t.Context(), newEntry("Another name", "+254712345678"))
	if err != nil || again != first {
		t.Fatalf("Add of a duplicate: got %v, %v; want %v", again, err, first)
	}
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM waitlist_entry WHERE username = 'John'`); n != 1 {
		t.Errorf("%d entries have the first name, want 1", n)
	}
}

func TestEntries_Add_concurrentDuplicates(t *testing.T) {
	t.Parallel()
	t.Run("first_name_is_stored", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		entries := NewEntries(pool)
		release := blockInserts(t, pool)

		var group sync.WaitGroup
		add := func(name, number string, want int64) {
			group.Go(func() {
				if got, err := entries.Add(t.Context(), newEntry(name, number)); err != nil || got.ID != want {
					t.Errorf("Add(%s): got %v, %v; want id %d", name, got, err, want)
				}
			})
		}
		add("Other", "+254700000000", 1)
		awaitBlockedInsert(t, pool)
		for i, name := range []string{"John", "Second", "Third"} {
			add(name, "+254712345678", 2)
			await(t, "the call waits for the next commit", func() bool { return entries.adds.Waiting() == i+1 })
		}
		release()
		group.Wait()
		if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM waitlist_entry WHERE username = 'John' AND id = 2`); n != 1 {
			t.Errorf("%d entries have the first name, want 1", n)
		}
	})
	// Two instances get the same numbers in different orders.
	t.Run("no_id_is_used_up", func(t *testing.T) {
		t.Parallel()
		const numbers, callers = 20, 500
		pool := testdb.Open(t)
		instances := []*Entries{NewEntries(pool), NewEntries(pool)}

		var group sync.WaitGroup
		for c := range callers {
			group.Go(func() {
				number := fmt.Sprintf("+2547120000%02d", c*7%numbers)
				if _, err := instances[c%len(instances)].Add(t.Context(), newEntry("x", number)); err != nil {
					t.Errorf("Add(%s): %v", number, err)
				}
			})
		}
		group.Wait()
		if highest := testdb.QueryInt(t, pool, `SELECT max(id) FROM waitlist_entry`); highest != numbers {
			t.Errorf("the highest id is %d, want %d", highest, numbers)
		}
		if next := testdb.QueryInt(t, pool, `SELECT nextval(pg_get_serial_sequence('waitlist_entry', 'id'))`); next != numbers+1 {
			t.Errorf("the next id is %d, want %d", next, numbers+1)
		}
	})
}

func TestEntries_Add_sharedCommit(t *testing.T) {
	t.Parallel()
	t.Run("bad_entry_fails_alone", func(t *testing.T) {
		t.Parallel()
		const others = 20
		const bad = "\x00" // PostgreSQL cannot store it
		pool := testdb.Open(t)
		entries := NewEntries(pool)
		release := blockInserts(t, pool)
		var group sync.WaitGroup
		add := func(name string, n int) {
			group.Go(func() {
				_, err := entries.Add(t.Context(), newEntry(name, fmt.Sprintf("+2547000000%02d", n)))
				if wantErr := name == bad; wantErr != (err != nil) || fault.Is(err, fault.Unavailable) {
					t.Errorf("Add(%q): unexpected error %v", name, err)
				}
			})
		}
		add("first", others)
		awaitBlockedInsert(t, pool)
		add(bad, others+1)
		for n := range others {
			add("other", n)
		}
		await(t, "all wait for the next commit", func() bool { return entries.adds.Waiting() == others+1 })
		release()
		group.Wait()
		if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM waitlist_entry`); n != 1+others {
			t.Errorf("%d entries are stored, want %d", n, 1+others)
		}
	})
	t.Run("cancelled_call_is_stored_whole_or_not_at_all", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		entries := NewEntries(pool)
		release := blockInserts(t, pool)
		cancellable, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		add := func(ctx context.Context, name, number string, want error) {
			group.Go(func() {
				if _, err := entries.Add(ctx, newEntry(name, number)); !errors.Is(err, want) {
					t.Errorf("Add(%s): got error %v, want %v", name, err, want)
				}
			})
		}
		add(cancellable, "committing", "+254700000001", nil) // runs the commit itself, so it gets the result
		awaitBlockedInsert(t, pool)
		add(cancellable, "waiting", "+254700000002", context.Canceled)
		add(t.Context(), "not cancelled", "+254700000003", nil)
		await(t, "both wait for the next commit", func() bool { return entries.adds.Waiting() == 2 })
		cancel()
		release()
		group.Wait()
		for name, want := range map[string]int{"committing": 1, "waiting": 0, "not cancelled": 1} {
			if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM waitlist_entry WHERE username = $1`, name); n != want {
				t.Errorf("%s: %d entries are stored, want %d", name, n, want)
			}
		}
	})
}

func TestEntries_Verify(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	entries := NewEntries(pool)
	for _, number := range []string{"+254712345678", "+254700000000"} {
		if _, err := entries.Add(t.Context(), newEntry("x", number)); err != nil {
			t.Fatalf("Add(%s): %v", number, err)
		}
	}
	verified := func() (at time.Time) {
		t.Helper()
		if err := entries.Verify(t.Context(), sensitive.NewPhone("+254712345678"), sensitive.Text{}, testRules()); err != nil {
			t.Fatalf("Verify: %v", err)
		}
		err := pool.QueryRow(t.Context(), `SELECT verified_at FROM waitlist_entry WHERE phone_number = '+254712345678'`).Scan(&at)
		if err != nil {
			t.Fatalf("read verified_at: %v", err)
		}
		return at
	}
	first := verified()
	if second := verified(); !second.Equal(first) {
		t.Errorf("verified again: verified_at changed from %v to %v", first, second)
	}
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM waitlist_entry WHERE verified_at IS NOT NULL`); n != 1 {
		t.Errorf("%d entries are verified, want 1", n)
	}
	if err := entries.Verify(t.Context(), sensitive.NewPhone("+254799999999"), sensitive.NewText("Amani"), testRules()); err != nil {
		t.Errorf("Verify of a number without an entry: %v", err)
	}
}

func TestEntries_Verify_Name(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		names []string // of the calls of Verify, one after the other
		want  string
	}{
		"name_of_the_owner_replaces_an_unverified_one": {[]string{"Wanjiru"}, "Wanjiru"},
		"empty_name_keeps_the_old_one":                 {[]string{""}, "stranger"},
		"verified_name_is_not_replaced":                {[]string{"Wanjiru", "Amani"}, "Wanjiru"},
		"verified_name_of_the_sign_up_is_not_replaced": {[]string{"", "Amani"}, "stranger"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			entries := NewEntries(pool)
			const number = "+254712345678"
			if _, err := entries.Add(t.Context(), newEntry("stranger", number)); err != nil {
				t.Fatalf("Add: %v", err)
			}
			for _, name := range tt.names {
				if err := entries.Verify(t.Context(), sensitive.NewPhone(number), sensitive.NewText(name), testRules()); err != nil {
					t.Fatalf("Verify: %v", err)
				}
			}
			var got string
			if err := pool.QueryRow(t.Context(), `SELECT username FROM waitlist_entry`).Scan(&got); err != nil {
				t.Fatalf("read the username: %v", err)
			}
			if got != tt.want {
				t.Errorf("username: got %q, want %q", got, tt.want)
			}
		})
	}
}

// A person who signs up again after the removal stands at the end of the list.
func TestEntries_Add_Removed(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	entries := NewEntries(pool)
	addEntries(t, pool, 4)
	testdb.Exec(t, pool, `
		UPDATE waitlist_entry SET status = 'removed', removed_at = now(), invited_at = now(), verified_at = '2026-01-01Z' WHERE id IN (1, 2)`)
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET status = 'invited', invited_at = now() WHERE id = 3`)

	add := func(number string, want int64) {
		t.Helper()
		if got, err := entries.Add(t.Context(), newEntry("again", number)); err != nil || got.ID != want {
			t.Fatalf("Add(%s): got %v, %v; want id %d", number, got, err, want)
		}
	}
	for number := 2; number >= 1; number-- {
		add(fmt.Sprintf("+2547%08d", number), int64(number))
	}
	for number := 1; number <= 4; number++ { // ordinary duplicates
		add(fmt.Sprintf("+2547%08d", number), int64(number))
	}
	if diff := cmp.Diff([]string{"2 removed waiting person", "1 removed waiting person"}, history(t, pool)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{3, 4, 2, 1}, allInOrder(t, pool)); diff != "" {
		t.Errorf("order of the list (-want +got):\n%s", diff)
	}
	if rows := audited(t, pool); len(rows) != 0 {
		t.Errorf("got the audit %q, want none: the audit has what operators do", rows)
	}
	if n := testdb.QueryInt(t, pool, `
		SELECT count(*) FROM waitlist_entry
		WHERE id <= 2 AND status = 'waiting' AND removed_at IS NULL AND invited_at IS NULL
		  AND verified_at = '2026-01-01Z' AND username <> 'again'`); n != 2 {
		t.Errorf("%d entries wait with their number verified and their name unchanged, want 2", n)
	}
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM waitlist_entry WHERE id = 3 AND status = 'invited' AND rank_id IS NULL`); n != 1 {
		t.Error("the duplicate sign-up of an invited person changed the entry")
	}
}

// The consent of a person who signs up again is stored. That of an ordinary duplicate
// is not.
func TestEntries_Add_RemovedConsent(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	entries := NewEntries(pool)
	addEntries(t, pool, 3)
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET status = 'removed', removed_at = now() WHERE id IN (1, 2)`)
	for number := 1; number <= 3; number++ {
		entry := newEntry("again", fmt.Sprintf("+2547%08d", number))
		if number != 2 {
			entry.ConsentVersion = "v2"
		}
		if _, err := entries.Add(t.Context(), entry); err != nil {
			t.Fatalf("Add: %v", err)
		}
	}
	got := readAll[string](t, pool, `SELECT entry_id || ' ' || purpose || ' ' || given || ' ' || text_version || ' ' || channel FROM consent`)
	if diff := cmp.Diff([]string{"1 list true v2 web"}, got); diff != "" {
		t.Errorf("consents (-want +got):\n%s", diff)
	}
}

// Of several sign-ups of a removed person at once, in two instances, one changes the
// entry.
func TestEntries_Add_RemovedAtOnce(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	addEntry(t, pool, 1, waitlist.Removed)
	instances := []*Entries{NewEntries(pool), NewEntries(pool)}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			if got, err := instances[i%2].Add(t.Context(), newEntry("again", "+254700000001")); err != nil || got.ID != 1 {
				t.Errorf("Add: got %v, %v; want id 1", got, err)
			}
		})
	}
	group.Wait()
	if diff := cmp.Diff([]string{"1 removed waiting person"}, history(t, pool)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

// A removed person who joins on WhatsApp is back on the list, and verified.
func TestEntries_JoinVerified_Removed(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	addEntry(t, pool, 1, waitlist.Removed)
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET source = 'fair', note = 'called twice'`)
	service := waitlist.New(NewEntries(pool), waitlist.Options{Codes: waitlist.NewCoder(nil)})
	for range 2 { // the second time changes nothing
		added, err := service.JoinVerified(t.Context(), sensitive.NewText("Wanjiru"), sensitive.NewPhone("254700000001")).Get()
		if err != nil || added.ID != 1 {
			t.Fatalf("JoinVerified: got %v, %v; want id 1", added, err)
		}
	}
	if n := testdb.QueryInt(t, pool, `
		SELECT count(*) FROM waitlist_entry
		WHERE status = 'waiting' AND verified_at IS NOT NULL AND username = 'Wanjiru' AND source = 'fair' AND note = 'called twice'`); n != 1 {
		t.Errorf("%d entries wait with the number verified and the source and the note unchanged, want 1", n)
	}
	if diff := cmp.Diff([]string{"1 removed waiting person"}, history(t, pool)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}
