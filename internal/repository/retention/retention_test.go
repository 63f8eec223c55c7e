package retention_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/repository/retention"
	"aisha/internal/repository/waitlistdb"
	"aisha/internal/repository/whatsappdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// openItems connects to a new database with the given number of rows in its only
// table, item.
func openItems(t *testing.T, items int) *pgxpool.Pool {
	t.Helper()
	pool := testdb.Connect(t, testdb.Empty(t))
	if _, err := pool.Exec(t.Context(), `CREATE TABLE item (id bigint PRIMARY KEY)`); err != nil {
		t.Fatalf("create the table: %v", err)
	}
	if _, err := pool.Exec(t.Context(), `INSERT INTO item SELECT generate_series(1, $1::int)`, items); err != nil {
		t.Fatalf("insert items: %v", err)
	}
	return pool
}

const pageSize = 10

// deleteItems is the page function of a sweep that deletes all items.
func deleteItems(ctx context.Context, tx *postgres.Tx, after any) (last any, deleted retention.Deleted, err error) {
	var n int64
	batch := &pgx.Batch{}
	batch.Queue(`
		WITH page AS (
			SELECT id FROM item WHERE id > $1 ORDER BY id LIMIT $2
		), deleted AS (
			DELETE FROM item WHERE id = ANY (ARRAY(SELECT id FROM page)) RETURNING id
		)
		SELECT max(id), count(*) FROM deleted`, after, pageSize,
	).QueryRow(func(row pgx.Row) error { return row.Scan(&last, &n) })
	err = tx.Send(ctx, batch)
	return last, retention.Deleted{"item": n}, err
}

func itemSweep() retention.Sweep {
	return retention.Sweep{Tables: []string{"item"}, Start: int64(0), Page: deleteItems}
}

func noPause(context.Context, time.Duration) {}

// wantUnlocked checks that the retention lock is free and that no connection of
// the pool keeps the setting of the session that held it.
func wantUnlocked(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	if n := testdb.QueryInt(t, pool, `
		SELECT count(*) FROM pg_locks
		WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); n != 0 {
		t.Errorf("%d advisory locks are held, want 0", n)
	}
	for _, conn := range pool.AcquireAllIdle(t.Context()) {
		var timeout string
		if err := conn.QueryRow(t.Context(), `SHOW idle_session_timeout`).Scan(&timeout); err != nil || timeout != "0" {
			t.Errorf("idle_session_timeout = %q, %v; want 0", timeout, err)
		}
		conn.Release()
	}
}

func TestRetention_DeleteExpired(t *testing.T) {
	t.Parallel()
	t.Run("returns_the_totals_of_all_sweeps", func(t *testing.T) {
		t.Parallel()
		pool := openItems(t, 25)
		other := retention.Sweep{
			Tables: []string{"a", "b"}, Start: "",
			Page: func(_ context.Context, _ *postgres.Tx, after any) (any, retention.Deleted, error) {
				if after == "" {
					return "first", retention.Deleted{"a": 1, "b": 2, "item": 100}, nil
				}
				return nil, retention.Deleted{"b": 3}, nil
			},
		}
		pauses := 0
		got, err := retention.New(pool, []retention.Sweep{itemSweep(), other}).
			DeleteExpired(t.Context(), func(context.Context, time.Duration) { pauses++ })
		if err != nil {
			t.Errorf("DeleteExpired: %v", err)
		}
		if diff := cmp.Diff(map[string]int64{"item": 125, "a": 1, "b": 5}, got); diff != "" {
			t.Errorf("deleted (-want +got):\n%s", diff)
		}
		if want := 3 + 1; pauses != want { // none after the last, empty page of a sweep
			t.Errorf("paused %d times, want %d", pauses, want)
		}
		if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM item`); n != 0 {
			t.Errorf("%d items are left, want 0", n)
		}
		wantUnlocked(t, pool)
	})
	t.Run("one_instance_at_a_time", func(t *testing.T) {
		t.Parallel()
		pool := openItems(t, 2*pageSize)
		runner := retention.New(pool, []retention.Sweep{itemSweep()})
		pauses := 0
		deleted, err := runner.DeleteExpired(t.Context(), func(ctx context.Context, _ time.Duration) {
			pauses++
			if other, err := runner.DeleteExpired(ctx, noPause); err != nil || len(other) != 0 {
				t.Errorf("another instance: deleted %v, %v; want nothing", other, err)
			}
		})
		if err != nil || pauses != 2 || deleted["item"] != 2*pageSize {
			t.Errorf("deleted %v with %d pauses, %v; want %d items with 2 pauses", deleted, pauses, err, 2*pageSize)
		}
		if _, err := pool.Exec(t.Context(), `INSERT INTO item VALUES (1)`); err != nil {
			t.Fatalf("insert an item: %v", err)
		}
		if deleted, err := runner.DeleteExpired(t.Context(), noPause); err != nil || deleted["item"] != 1 {
			t.Errorf("the next run: deleted %v, %v; want 1 item", deleted, err)
		}
		wantUnlocked(t, pool)
	})
	t.Run("stop_ends_the_run_and_releases_the_lock", func(t *testing.T) {
		t.Parallel()
		pool := openItems(t, 3*pageSize)
		runner := retention.New(pool, []retention.Sweep{itemSweep(), itemSweep()})
		ctx, cancel := context.WithCancel(t.Context())
		deleted, err := runner.DeleteExpired(ctx, func(context.Context, time.Duration) { cancel() })
		if !errors.Is(err, context.Canceled) || deleted["item"] != pageSize {
			t.Errorf("stopped: deleted %v, %v; want %d items and %v", deleted, err, pageSize, context.Canceled)
		}
		wantUnlocked(t, pool)
		if deleted, err := runner.DeleteExpired(t.Context(), noPause); err != nil || deleted["item"] != 2*pageSize {
			t.Errorf("the next run: deleted %v, %v; want %d items", deleted, err, 2*pageSize)
		}
	})
	t.Run("pause_gets_the_time_of_the_page", func(t *testing.T) {
		t.Parallel()
		const work = 60 * time.Millisecond
		pool := openItems(t, 2*pageSize)
		sweep := itemSweep()
		sweep.Page = func(ctx context.Context, tx *postgres.Tx, after any) (any, retention.Deleted, error) {
			if _, err := tx.Exec(ctx, `SELECT pg_sleep($1)`, work.Seconds()); err != nil {
				return nil, nil, err
			}
			return deleteItems(ctx, tx, after)
		}
		var pauses []time.Duration
		start := time.Now()
		_, err := retention.New(pool, []retention.Sweep{sweep}).
			DeleteExpired(t.Context(), func(_ context.Context, d time.Duration) { pauses = append(pauses, d) })
		total := time.Since(start)
		if err != nil || len(pauses) != 2 {
			t.Fatalf("DeleteExpired: %v with %d pauses, want 2", err, len(pauses))
		}
		// The two pauses are for two of three pages.
		if pauses[0] < work || pauses[1] < work || pauses[0]+pauses[1] > total-work {
			t.Errorf("the pages took %v of %v in all; want each at least %v", pauses, total, work)
		}
	})
	t.Run("unreachable_database", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Connect(t, "postgres://127.0.0.1:1/x?sslmode=disable")
		if _, err := retention.New(pool, []retention.Sweep{itemSweep()}).DeleteExpired(t.Context(), noPause); !fault.Is(err, fault.Unavailable) {
			t.Errorf("DeleteExpired = %v, want %v", err, fault.Unavailable)
		}
	})
}

func TestRetention_DeleteExpired_failedPage(t *testing.T) {
	t.Parallel()
	errPage := errors.New("page failed")
	lockTimeout := &pgconn.PgError{Code: "55P03"}
	// failSecondPage makes the second page fail, in the given number of attempts,
	// after it deleted its rows.
	failSecondPage := func(err error, failures int) (sweep retention.Sweep, attempts *int) {
		attempts = new(int)
		sweep = itemSweep()
		sweep.Page = func(ctx context.Context, tx *postgres.Tx, after any) (any, retention.Deleted, error) {
			last, deleted, deleteErr := deleteItems(ctx, tx, after)
			if deleteErr != nil {
				return nil, nil, deleteErr
			}
			if after == int64(pageSize) {
				*attempts++
				if *attempts <= failures {
					return nil, deleted, err
				}
			}
			return last, deleted, nil
		}
		return sweep, attempts
	}
	t.Run("totals_are_returned_with_the_error", func(t *testing.T) {
		t.Parallel()
		pool := openItems(t, 3*pageSize)
		sweep, attempts := failSecondPage(errPage, 100)
		later := itemSweep()
		later.Page = func(context.Context, *postgres.Tx, any) (any, retention.Deleted, error) {
			t.Error("the sweep after the failed one ran")
			return nil, nil, nil
		}
		deleted, err := retention.New(pool, []retention.Sweep{sweep, later}).DeleteExpired(t.Context(), noPause)
		if !errors.Is(err, errPage) {
			t.Errorf("DeleteExpired = %v, want %v", err, errPage)
		}
		if diff := cmp.Diff(map[string]int64{"item": pageSize}, deleted); diff != "" {
			t.Errorf("deleted (-want +got):\n%s", diff)
		}
		if *attempts != 1 {
			t.Errorf("the failed page ran %d times, want once", *attempts)
		}
		if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM item`); n != 2*pageSize {
			t.Errorf("%d items are left, want %d because the failed page is rolled back", n, 2*pageSize)
		}
		wantUnlocked(t, pool)
	})
	t.Run("lock_timeout_is_retried", func(t *testing.T) {
		t.Parallel()
		pool := openItems(t, 3*pageSize)
		sweep, attempts := failSecondPage(lockTimeout, 1)
		deleted, err := retention.New(pool, []retention.Sweep{sweep}).DeleteExpired(t.Context(), noPause)
		if err != nil || *attempts != 2 {
			t.Errorf("DeleteExpired: %v after %d attempts, want success after 2", err, *attempts)
		}
		if diff := cmp.Diff(map[string]int64{"item": 3 * pageSize}, deleted); diff != "" {
			t.Errorf("deleted (-want +got):\n%s", diff)
		}
	})
	t.Run("lock_timeouts_are_retried_five_times", func(t *testing.T) {
		t.Parallel()
		pool := openItems(t, 3*pageSize)
		sweep, attempts := failSecondPage(lockTimeout, 100)
		deleted, err := retention.New(pool, []retention.Sweep{sweep}).DeleteExpired(t.Context(), noPause)
		if !fault.Is(err, fault.Unavailable) || *attempts != 5 {
			t.Errorf("DeleteExpired: %v after %d attempts, want %v after 5", err, *attempts, fault.Unavailable)
		}
		if deleted["item"] != pageSize {
			t.Errorf("deleted %v, want %d items", deleted, pageSize)
		}
		wantUnlocked(t, pool)
	})
}

// Each table is either swept or kept for ever on purpose, so that a new table is
// not forgotten.
func TestSweeps_coverEveryTable(t *testing.T) {
	t.Parallel()
	keptForever := []string{
		"waitlist_entry",   // the product itself
		"send_hold",        // one row for each of our numbers
		"goose_db_version", // applied migrations

		// What belongs to the waiting list.
		"waitlist_event", "waitlist_counted", "waitlist_block", "waitlist_stat", "waitlist_search", "waitlist_search_pending",
		"referral_key", "referral", "consent", "waitlist_import", "waitlist_import_problem",
	}
	const river = "river_" // River deletes finished jobs itself

	pool := testdb.Connect(t, testdb.New(t))
	rows, err := pool.Query(t.Context(), `
		SELECT table_name::text FROM information_schema.tables
		WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`)
	if err != nil {
		t.Fatalf("read the tables: %v", err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("read the tables: %v", err)
	}
	var swept []string
	sweeps := whatsappdb.Sweeps(whatsappdb.RetentionPeriods{Messages: time.Hour, UnhandledItems: time.Hour})
	for _, sweep := range slices.Concat(sweeps, operatordb.Sweeps(), waitlistdb.Sweeps()) {
		swept = append(swept, sweep.Tables...)
	}
	for _, table := range tables {
		isKept := slices.Contains(keptForever, table) || strings.HasPrefix(table, river)
		if isSwept := slices.Contains(swept, table); isSwept == isKept {
			t.Errorf("table %s: in a sweep: %t, in the list of tables kept for ever: %t; want one of the two", table, isSwept, isKept)
		}
	}
	for _, table := range slices.Concat(swept, keptForever) {
		if !slices.Contains(tables, table) {
			t.Errorf("table %s is in a sweep or in the list of tables kept for ever, but does not exist", table)
		}
	}
}
