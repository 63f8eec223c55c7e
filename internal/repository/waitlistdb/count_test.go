package waitlistdb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/repository/postgres"
	"aisha/internal/service/waitlist"
)

// countedList is a waiting list whose counts are compared with its entries.
type countedList struct {
	t       *testing.T
	pool    *pgxpool.Pool
	entries *Entries
	counts  *Counts
	random  *rand.Rand
	numbers int // used so far
}

func newCountedList(t *testing.T, seed uint64) *countedList {
	t.Helper()
	pool := testdb.Open(t)
	counts := NewCounts(pool, pool)
	counts.step = 7
	return &countedList{
		t: t, pool: pool, entries: NewEntries(pool), counts: counts,
		random: rand.New(rand.NewPCG(seed, seed)),
	}
}

// nextNumber returns a phone number that is not in use.
func (l *countedList) nextNumber() string {
	l.numbers++
	return fmt.Sprintf("+2547%08d", l.numbers)
}

func (l *countedList) signUp(n int) {
	l.t.Helper()
	entries := make([]waitlist.NewEntry, n)
	for i := range entries {
		entries[i] = newEntry(fmt.Sprintf("Wanjirũ %d", l.random.IntN(1000)), l.nextNumber())
	}
	if _, err := l.entries.addAll(l.t.Context(), entries); err != nil {
		l.t.Fatalf("sign up: %v", err)
	}
}

// begin starts a transaction with a sign-up of n entries, each with a source or
// without, on one of twenty days.
func (l *countedList) begin(n int) pgx.Tx {
	l.t.Helper()
	tx, err := l.pool.Begin(l.t.Context())
	if err == nil {
		_, err = tx.Exec(l.t.Context(), `SELECT pg_advisory_xact_lock($1, $2)`, postgres.LockSignUp, l.numbers)
	}
	for range n {
		if err != nil {
			break
		}
		_, err = tx.Exec(l.t.Context(), `
			INSERT INTO waitlist_entry (phone_number, username, source, created_at)
			VALUES ($1, 'Juma', nullif($2, ''), now() - $3 * interval '1 hour')`,
			l.nextNumber(), l.source(), l.random.IntN(20*24))
	}
	if err != nil {
		l.t.Fatalf("begin a sign-up: %v", err)
	}
	return tx
}

func (l *countedList) source() string {
	return []string{"", "facebook", "radio", "mkutano"}[l.random.IntN(4)]
}

// update changes some entries as the state machine allows, or moves some ahead.
func (l *countedList) update(ids []int64) error {
	statuses := waitlist.Statuses()
	if to := statuses[l.random.IntN(len(statuses))]; l.random.IntN(3) > 0 {
		return setStatus(l.t.Context(), l.pool, ids, to)
	}
	_, err := l.pool.Exec(l.t.Context(), `
		UPDATE waitlist_entry
		SET rank_id = greatest(1, coalesce(rank_id, id) - $2), rank_seq = nextval('waitlist_rank_seq')
		WHERE id = ANY ($1) AND status = 'waiting'`, ids, l.random.IntN(1500))
	return err
}

func setStatus(ctx context.Context, pool *pgxpool.Pool, ids []int64, to waitlist.Status) error {
	var from []waitlist.Status
	for _, status := range waitlist.Statuses() {
		if status.CanBecome(to) {
			from = append(from, status)
		}
	}
	return postgres.InTx(ctx, pool, func(ctx context.Context, tx *postgres.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE waitlist_entry
			SET status   = $2,
			    rank_id  = CASE WHEN status = 'removed' THEN (SELECT last_value FROM waitlist_entry_id_seq) ELSE rank_id END,
			    rank_seq = CASE WHEN status = 'removed' THEN nextval('waitlist_rank_seq') ELSE rank_seq END
			WHERE id = ANY ($1) AND status = ANY ($3::text[]::waitlist_status[])`, ids, to, from)
		return err
	})
}

// some returns up to n ids, of which some may have no entry.
func (l *countedList) some(n int) []int64 {
	ids := make([]int64, 1+l.random.IntN(n))
	for i := range ids {
		ids[i] = 1 + l.random.Int64N(int64(l.numbers)+1)
	}
	return ids
}

func (l *countedList) countAll() {
	l.t.Helper()
	for more := true; more; {
		var err error
		if more, err = l.counts.Count(l.t.Context()); err != nil {
			l.t.Fatalf("Count: %v", err)
		}
	}
}

// randomStep does one thing that can happen to a list.
func (l *countedList) randomStep() {
	l.t.Helper()
	var err error
	switch dice := l.random.IntN(100); {
	case dice < 25:
		l.signUp(1)
	case dice < 30:
		l.signUp(1 + l.random.IntN(20))
	case dice < 40:
		err = l.begin(1 + l.random.IntN(3)).Commit(l.t.Context())
	case dice < 45:
		err = l.begin(1 + l.random.IntN(60)).Rollback(l.t.Context())
	case dice < 70:
		err = l.update(l.some(1))
	case dice < 80:
		err = l.update(l.some(40))
	case dice < 84:
		_, err = l.pool.Exec(l.t.Context(), `UPDATE waitlist_entry SET username = $2 WHERE id = ANY ($1)`, l.some(3), fmt.Sprintf("Éva %d", l.random.IntN(9)))
	case dice < 88:
		_, err = l.pool.Exec(l.t.Context(), `UPDATE waitlist_entry SET source = nullif($2, '') WHERE id = ANY ($1)`, l.some(3), l.source())
	default:
		_, err = l.counts.Count(l.t.Context())
	}
	if err != nil {
		l.t.Fatalf("change the list: %v", err)
	}
}

// check compares everything that is counted with the entries.
func (l *countedList) check() {
	l.t.Helper()
	l.checkPositions()
	l.checkStatistics(nil, nil)
	today := time.Now().UTC()
	from, to := today.AddDate(0, 0, -l.random.IntN(20)), today.AddDate(0, 0, -l.random.IntN(20))
	l.checkStatistics(&from, &to)
	for table, differences := range map[string]string{
		"waitlist_block": `
			SELECT count(*)
			FROM (SELECT block, waiting AS got FROM waitlist_block WHERE waiting <> 0) AS counted
			FULL JOIN (SELECT coalesce(rank_id, id) >> 10 AS block, count(*) AS want
			           FROM waitlist_entry, waitlist_counted
			           WHERE id <= counted_to AND status = 'waiting' GROUP BY 1) AS entries USING (block)
			WHERE got IS DISTINCT FROM want`,
		"waitlist_stat": `
			SELECT count(*)
			FROM (SELECT day, source, status, n AS got FROM waitlist_stat WHERE n <> 0) AS counted
			FULL JOIN (SELECT (created_at AT TIME ZONE 'Africa/Nairobi')::date AS day, coalesce(source, '') AS source, status, count(*) AS want
			           FROM waitlist_entry, waitlist_counted
			           WHERE id <= counted_to GROUP BY 1, 2, 3) AS entries USING (day, source, status)
			WHERE got IS DISTINCT FROM want`,
		"waitlist_search": `
			SELECT count(*)
			FROM (SELECT entry_id AS id, words AS got FROM waitlist_search) AS search
			FULL JOIN (SELECT id, waitlist_search_words(username, phone_number) AS want
			           FROM waitlist_entry, waitlist_counted
			           WHERE id <= counted_to) AS entries USING (id)
			WHERE got IS DISTINCT FROM want AND id NOT IN (SELECT entry_id FROM waitlist_search_pending)`,
	} {
		if n := testdb.QueryInt(l.t, l.pool, differences); n != 0 {
			l.t.Fatalf("%s: %d rows differ from the entries, want 0", table, n)
		}
	}
}

func (l *countedList) checkPositions() {
	l.t.Helper()
	rows, err := l.pool.Query(l.t.Context(), `
		SELECT id FROM waitlist_entry WHERE status = 'waiting' ORDER BY coalesce(rank_id, id), coalesce(rank_seq, 0), id`)
	if err != nil {
		l.t.Fatalf("read the order: %v", err)
	}
	order, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		l.t.Fatalf("read the order: %v", err)
	}
	asked := l.some(40)
	want := map[int64]int64{}
	for i, id := range order {
		if i == 0 || i == len(order)-1 {
			asked = append(asked, id)
		}
		if slices.Contains(asked, id) {
			want[id] = int64(i) + 1
		}
	}
	got, err := l.counts.Positions(l.t.Context(), asked)
	if err != nil {
		l.t.Fatalf("Positions: %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Fatalf("Positions (-want +got):\n%s", diff)
	}
	if n, err := l.counts.Waiting(l.t.Context()); err != nil || n != int64(len(order)) {
		l.t.Fatalf("Waiting: got %d, %v; want %d", n, err, len(order))
	}
}

func (l *countedList) checkStatistics(from, to *time.Time) {
	l.t.Helper()
	const entries = `
		FROM waitlist_entry
		WHERE ($1::date IS NULL OR (created_at AT TIME ZONE 'Africa/Nairobi')::date >= $1)
		  AND ($2::date IS NULL OR (created_at AT TIME ZONE 'Africa/Nairobi')::date <= $2)
		GROUP BY 1 `
	for by, query := range map[waitlist.Grouping]string{
		waitlist.ByDay:    `SELECT to_char(created_at AT TIME ZONE 'Africa/Nairobi', 'YYYY-MM-DD'), count(*)` + entries + `ORDER BY 1`,
		waitlist.BySource: `SELECT source, count(*)` + entries + `ORDER BY 2 DESC, coalesce(source, '')`,
		waitlist.ByStatus: `SELECT status::text, count(*)` + entries + `ORDER BY 2 DESC, min(status)`,
	} {
		rows, err := l.pool.Query(l.t.Context(), query, from, to)
		if err != nil {
			l.t.Fatalf("count entries by %s: %v", by, err)
		}
		want, err := pgx.CollectRows(rows, pgx.RowToStructByPos[waitlist.StatisticsRow])
		if err != nil {
			l.t.Fatalf("count entries by %s: %v", by, err)
		}
		got, err := l.counts.Statistics(l.t.Context(), waitlist.StatisticsFilter{By: by, From: from, To: to})
		if err != nil {
			l.t.Fatalf("Statistics by %s: %v", by, err)
		}
		if diff := cmp.Diff(want, got.Rows); diff != "" {
			l.t.Fatalf("Statistics by %s (-want +got):\n%s", by, diff)
		}
	}
}

func TestCounts_random(t *testing.T) {
	t.Parallel()
	const steps = 10_000
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	l := newCountedList(t, seed)
	for step := 1; step <= steps; step++ {
		l.randomStep()
		if step%100 == 0 {
			l.check()
		}
	}
	l.countAll()
	l.check()
	if n := testdb.QueryInt(t, l.pool, `SELECT count(*) FROM waitlist_search_pending`); n != 0 {
		t.Errorf("%d renamed entries are pending after the last pass, want 0", n)
	}
	uncounted := testdb.QueryInt(t, l.pool, `SELECT count(*) FROM waitlist_entry, waitlist_counted WHERE id > counted_to`)
	if uncounted != 0 {
		t.Errorf("%d entries are not counted after the last pass, want 0", uncounted)
	}
}

func TestCounts_Count_concurrently(t *testing.T) {
	t.Parallel()
	const perWriter = 300
	l := newCountedList(t, 1)
	l.signUp(500)
	ids := func(n int) []int64 {
		ids := make([]int64, n)
		for i := range ids {
			ids[i] = 1 + rand.Int64N(1500)
		}
		return ids
	}
	var writers, counters sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range perWriter {
				if _, err := l.entries.Add(t.Context(), newEntry("Achieng", fmt.Sprintf("+2541%04d%04d", w, i))); err != nil {
					t.Errorf("Add: %v", err)
				}
			}
		})
		writers.Go(func() {
			for i := range perWriter {
				n := 1
				if w%2 == 0 && i%10 == 0 {
					n = 200
				}
				to := waitlist.Statuses()[rand.IntN(4)]
				if err := setStatus(t.Context(), l.pool, ids(n), to); err != nil {
					t.Errorf("change %d statuses: %v", n, err)
				}
			}
		})
	}
	finished := make(chan struct{})
	for range 2 {
		instance := NewCounts(l.pool, l.pool)
		instance.step = 50
		counters.Go(func() {
			for {
				if _, err := instance.Count(t.Context()); err != nil {
					t.Errorf("Count: %v", err)
				}
				select {
				case <-finished:
					return
				case <-time.After(time.Millisecond):
				}
			}
		})
	}
	writers.Wait()
	close(finished)
	counters.Wait()
	l.countAll()
	l.check()
	if n := testdb.QueryInt(t, l.pool, `SELECT sum(n) FROM waitlist_stat`); n != 500+4*perWriter {
		t.Errorf("%d entries are counted, want %d", n, 500+4*perWriter)
	}
}

func TestCounts_Count(t *testing.T) {
	t.Parallel()
	t.Run("waits_for_an_earlier_sign_up", func(t *testing.T) {
		t.Parallel()
		l := newCountedList(t, 2)
		l.counts.signUpWait = 100 * time.Millisecond
		l.signUp(3)
		tx := l.begin(1)
		defer func() { _ = tx.Rollback(context.Background()) }()
		l.signUp(3)
		if _, err := l.counts.Count(t.Context()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("Count while a sign-up is in progress: got %v, want %v", err, fault.Unavailable)
		}
		if n := testdb.QueryInt(t, l.pool, `SELECT counted_to FROM waitlist_counted`); n != 0 {
			t.Errorf("counted_to is %d while a sign-up is in progress, want 0", n)
		}
		l.check()
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatalf("commit: %v", err)
		}
		l.check()
		l.countAll()
		l.check()
		if n := testdb.QueryInt(t, l.pool, `SELECT sum(waiting) FROM waitlist_block`); n != 7 {
			t.Errorf("%d entries are counted, want 7", n)
		}
	})
	t.Run("continues_when_the_sign_up_ends", func(t *testing.T) {
		t.Parallel()
		l := newCountedList(t, 3)
		tx := l.begin(1)
		defer func() { _ = tx.Rollback(context.Background()) }()
		l.signUp(1)
		counted := make(chan error, 1)
		go func() {
			_, err := l.counts.Count(t.Context())
			counted <- err
		}()
		select {
		case err := <-counted:
			t.Fatalf("Count returned %v while a sign-up was in progress", err)
		case <-time.After(100 * time.Millisecond):
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatalf("roll back: %v", err)
		}
		if err := <-counted; err != nil {
			t.Errorf("Count: %v", err)
		}
		if n := testdb.QueryInt(t, l.pool, `SELECT counted_to FROM waitlist_counted`); n != 2 {
			t.Errorf("counted_to is %d, want 2", n)
		}
	})
	t.Run("ignores_a_later_sign_up", func(t *testing.T) {
		t.Parallel()
		l := newCountedList(t, 4)
		l.signUp(1)
		next, err := l.counts.uncounted(t.Context())
		if err != nil || len(next.signUps) != 0 {
			t.Fatalf("uncounted: got %+v, %v; want no sign-ups in progress", next, err)
		}
		tx := l.begin(1)
		defer func() { _ = tx.Rollback(context.Background()) }()
		if err := l.counts.awaitEnd(t.Context(), next.signUps); err != nil {
			t.Errorf("awaitEnd: %v", err)
		}
	})
	t.Run("steps", func(t *testing.T) {
		t.Parallel()
		l := newCountedList(t, 5)
		l.signUp(10)
		testdb.Exec(t, l.pool, `SELECT setval('waitlist_entry_id_seq', 1000000000000)`)
		l.signUp(10)
		var got []int
		for more := true; more; {
			var err error
			if more, err = l.counts.Count(t.Context()); err != nil {
				t.Fatalf("Count: %v", err)
			}
			got = append(got, testdb.QueryInt(t, l.pool, `SELECT counted_to FROM waitlist_counted`))
		}
		want := []int{7, 1_000_000_000_004, 1_000_000_000_010}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("counted_to after each step (-want +got):\n%s", diff)
		}
		l.check()
	})
	t.Run("one_instance_at_a_time", func(t *testing.T) {
		t.Parallel()
		l := newCountedList(t, 6)
		l.signUp(1)
		tx, err := l.pool.Begin(t.Context())
		if err == nil {
			_, err = tx.Exec(t.Context(), `SELECT FROM waitlist_counted FOR UPDATE`)
		}
		if err != nil {
			t.Fatalf("lock waitlist_counted: %v", err)
		}
		defer func() { _ = tx.Rollback(context.Background()) }()
		if more, err := l.counts.Count(t.Context()); more || err != nil {
			t.Errorf("Count while another instance counts: got %t, %v; want false without an error", more, err)
		}
	})
	t.Run("update_that_waits_locks_no_row", func(t *testing.T) {
		t.Parallel()
		l := newCountedList(t, 7)
		l.signUp(2)
		tx, err := l.pool.Begin(t.Context())
		if err != nil {
			t.Fatalf("begin: %v", err)
		}
		defer func() { _ = tx.Rollback(context.Background()) }()
		if _, err := tx.Exec(t.Context(), `UPDATE waitlist_entry SET status = 'invited' WHERE id = 1`); err != nil {
			t.Fatalf("update: %v", err)
		}
		waits := func(n int) func() bool {
			return func() bool {
				return testdb.QueryInt(t, l.pool, `
					SELECT count(*) FROM pg_locks
					WHERE NOT granted AND classid = 7 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) == n
			}
		}
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := l.pool.Exec(t.Context(), `SELECT pg_advisory_xact_lock(7, 0)`); err != nil {
				t.Errorf("lock as the pass does: %v", err)
			}
		})
		await(t, "the pass waits for the update", waits(1))
		group.Go(func() {
			if err := setStatus(t.Context(), l.pool, []int64{2}, waitlist.Removed); err != nil {
				t.Errorf("update that waits for the pass: %v", err)
			}
		})
		await(t, "the second update waits for the pass", waits(2))
		if _, err := tx.Exec(t.Context(), `SET LOCAL lock_timeout = '100ms'`); err != nil {
			t.Fatalf("set lock_timeout: %v", err)
		}
		if _, err := tx.Exec(t.Context(), `UPDATE waitlist_entry SET status = 'invited' WHERE id = 2`); err != nil {
			t.Errorf("update of the same row by the first transaction: %v", err)
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Errorf("commit: %v", err)
		}
		group.Wait()
		l.countAll()
		l.check()
	})
}
