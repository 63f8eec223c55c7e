package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/repository/postgres"
)

func TestRunBatch(t *testing.T) {
	t.Parallel()
	t.Run("one_round_trip", func(t *testing.T) {
		t.Parallel()
		pool, recorder := recorded(t, openEmpty(t))
		var n int
		err := postgres.RunBatch(t.Context(), pool, 1, func(batch *pgx.Batch) {
			batch.Queue(insertItem, 1)
			batch.Queue(`SELECT count(*) FROM item`).QueryRow(func(row pgx.Row) error { return row.Scan(&n) })
		})
		if err != nil || n != 1 {
			t.Errorf("RunBatch: %v, counted %d items, want 1", err, n)
		}
		if diff := cmp.Diff([][]string{{insertItem, `SELECT count(*) FROM item`}}, recorder.batches); diff != "" {
			t.Errorf("round trips (-want +got):\n%s", diff)
		}
	})
	t.Run("failed_statement_stores_nothing", func(t *testing.T) {
		t.Parallel()
		pool := openEmpty(t)
		attempts := 0
		err := postgres.RunBatch(t.Context(), pool, 1, func(batch *pgx.Batch) {
			attempts++
			batch.Queue(insertItem, 1)
			batch.Queue(insertItem, 1)
		})
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "23505" || fault.Is(err, fault.Unavailable) {
			t.Errorf("RunBatch = %v, want a unique violation", err)
		}
		if attempts != 1 {
			t.Errorf("ran %d times, want once", attempts)
		}
		wantItems(t, pool, 0)
	})
	t.Run("unreachable_database", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		pool := mustOpen(t, postgres.Open, unreachableURL(t))
		err := postgres.RunBatch(ctx, pool, 1, func(batch *pgx.Batch) { batch.Queue(`SELECT 1`) })
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("RunBatch = %v, want %v", err, fault.Unavailable)
		}
	})
}

func TestRunBatch_retry(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		code         string
		failures     int
		wantAttempts int
		wantItems    int
	}{
		"serialization_failure": {"40001", 2, 3, 1},
		"deadlock":              {"40P01", 4, 5, 1},
		"always":                {"40001", 100, 5, 0},
		"lock_timeout":          {"55P03", 1, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := openEmpty(t)
			// A sequence keeps its value when a transaction is rolled back.
			testdb.Exec(t, pool, `CREATE SEQUENCE attempt`)
			testdb.Exec(t, pool, `
				CREATE FUNCTION fail(code text, failures int) RETURNS int LANGUAGE plpgsql AS $$
				DECLARE n int := nextval('attempt');
				BEGIN
				    IF n <= failures THEN RAISE EXCEPTION USING ERRCODE = code; END IF;
				    RETURN n;
				END $$`)
			attempts, result := 0, 0
			err := postgres.RunBatch(t.Context(), pool, 1, func(batch *pgx.Batch) {
				attempts++
				batch.Queue(insertItem, 1)
				batch.Queue(`SELECT fail($1, $2)`, tt.code, tt.failures).QueryRow(func(row pgx.Row) error { return row.Scan(&result) })
			})
			if attempts != tt.wantAttempts {
				t.Errorf("ran %d times, want %d", attempts, tt.wantAttempts)
			}
			if tt.wantItems == 0 && !fault.Is(err, fault.Unavailable) {
				t.Errorf("RunBatch = %v, want %v", err, fault.Unavailable)
			}
			if tt.wantItems == 1 && (err != nil || result != tt.wantAttempts) {
				t.Errorf("RunBatch: %v with the result of attempt %d, want that of attempt %d", err, result, tt.wantAttempts)
			}
			wantItems(t, pool, tt.wantItems)
		})
	}
}

func TestRunBatch_severalCallsRunOnce(t *testing.T) {
	t.Parallel()
	pool := openEmpty(t)
	attempts := 0
	err := postgres.RunBatch(t.Context(), pool, 2, func(batch *pgx.Batch) {
		attempts++
		batch.Queue(`DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$`)
	})
	if !postgres.IsConflict(err) || attempts != 1 {
		t.Errorf("RunBatch = %v after %d attempts, want a conflict after 1", err, attempts)
	}
}
