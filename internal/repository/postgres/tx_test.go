package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/repository/postgres"
)

const insertItem = `INSERT INTO item (id) VALUES ($1)`

var errWork = errors.New("work failed")

// insert inserts an item in the transaction.
func insert(ctx context.Context, tx *postgres.Tx, id int) error {
	_, err := tx.Exec(ctx, insertItem, id)
	return err
}

func batchOf(sql string, args ...any) *pgx.Batch {
	batch := &pgx.Batch{}
	batch.Queue(sql, args...)
	return batch
}

func TestInTx(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		work    func(context.Context, *postgres.Tx) error
		wantErr error
		want    int // stored items
	}{
		"commits_when_work_returns": {
			work: func(ctx context.Context, tx *postgres.Tx) error {
				return errors.Join(insert(ctx, tx, 1), insert(ctx, tx, 2))
			},
			want: 2,
		},
		"commits_with_the_last_batch": {
			work: func(ctx context.Context, tx *postgres.Tx) error {
				return errors.Join(insert(ctx, tx, 1), tx.Commit(ctx, batchOf(insertItem, 2)))
			},
			want: 2,
		},
		"commits_with_the_only_batch": {
			work: func(ctx context.Context, tx *postgres.Tx) error { return tx.Commit(ctx, batchOf(insertItem, 1)) },
			want: 1,
		},
		"sends_nothing": {
			work: func(context.Context, *postgres.Tx) error { return nil },
		},
		"error_of_work_rolls_back": {
			work: func(ctx context.Context, tx *postgres.Tx) error {
				return errors.Join(insert(ctx, tx, 1), errWork)
			},
			wantErr: errWork,
		},
		"error_before_the_first_statement": {
			work:    func(context.Context, *postgres.Tx) error { return errWork },
			wantErr: errWork,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := openEmpty(t)
			if err := postgres.InTx(t.Context(), pool, tt.work); !errors.Is(err, tt.wantErr) {
				t.Errorf("InTx = %v, want %v", err, tt.wantErr)
			}
			wantItems(t, pool, tt.want)
			wantNoTransaction(t, pool)
		})
	}
}

func TestInTx_failedStatement(t *testing.T) {
	t.Parallel()
	failing := map[string]string{
		"when_executed": `SELECT 1 / (SELECT count(*) FROM item WHERE id = -1)`,
		"when_prepared": `SELECT no_such_column FROM item`,
	}
	for name, sql := range failing {
		for when, work := range map[string]func(context.Context, *postgres.Tx) error{
			"first": func(ctx context.Context, tx *postgres.Tx) error {
				_, err := tx.Exec(ctx, sql)
				return err
			},
			"second": func(ctx context.Context, tx *postgres.Tx) error {
				if err := insert(ctx, tx, 1); err != nil {
					return nil
				}
				_, err := tx.Exec(ctx, sql)
				return err
			},
			"in_the_first_batch": func(ctx context.Context, tx *postgres.Tx) error {
				batch := batchOf(insertItem, 1)
				batch.Queue(sql)
				return tx.Send(ctx, batch)
			},
			"in_the_batch_that_commits": func(ctx context.Context, tx *postgres.Tx) error {
				if err := insert(ctx, tx, 1); err != nil {
					return nil
				}
				batch := batchOf(insertItem, 2)
				batch.Queue(sql)
				return tx.Commit(ctx, batch)
			},
			"in_the_only_batch": func(ctx context.Context, tx *postgres.Tx) error {
				batch := batchOf(insertItem, 2)
				batch.Queue(sql)
				return tx.Commit(ctx, batch)
			},
		} {
			t.Run(name+"/"+when, func(t *testing.T) {
				t.Parallel()
				pool := openEmpty(t)
				attempts := 0
				err := postgres.InTx(t.Context(), pool, func(ctx context.Context, tx *postgres.Tx) error {
					attempts++
					return work(ctx, tx)
				})
				var pg *pgconn.PgError
				if !errors.As(err, &pg) || pg.Code != "22012" && pg.Code != "42703" {
					t.Errorf("InTx = %v, want the error of the statement", err)
				}
				if attempts != 1 {
					t.Errorf("work ran %d times, want once", attempts)
				}
				wantItems(t, pool, 0)
				wantNoTransaction(t, pool)
			})
		}
	}
}

// After the first statement failed, further statements must not be committed on
// their own, even if the caller sends them.
func TestTx_Exec_afterFailedFirstStatement(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"when_executed": `SELECT 1 / (SELECT count(*) FROM item WHERE id = -1)`,
		"when_prepared": `SELECT no_such_column FROM item`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := openEmpty(t)
			err := postgres.InTx(t.Context(), pool, func(ctx context.Context, tx *postgres.Tx) error {
				if _, err := tx.Exec(ctx, sql); err == nil {
					t.Errorf("%s: no error", sql)
				}
				if err := insert(ctx, tx, 1); err == nil {
					t.Error("the second statement: no error, want one because the transaction failed")
				}
				return errWork
			})
			if !errors.Is(err, errWork) {
				t.Errorf("InTx = %v, want %v", err, errWork)
			}
			wantItems(t, pool, 0)
		})
	}
}

func TestInTx_retry(t *testing.T) {
	t.Parallel()
	const maxAttempts = 5
	conflict := func(code string) error { return &pgconn.PgError{Code: code} }
	for name, tt := range map[string]struct {
		err             error
		failures        int // attempts that return err
		wantAttempts    int
		wantUnavailable bool
		wantItems       int
	}{
		"requested":              {postgres.ErrRetry, 1, 2, false, 1},
		"requested_four_times":   {postgres.ErrRetry, maxAttempts - 1, maxAttempts, false, 1},
		"requested_five_times":   {postgres.ErrRetry, maxAttempts, maxAttempts, true, 0},
		"serialization_failure":  {conflict("40001"), 2, 3, false, 1},
		"always_serialization":   {conflict("40001"), maxAttempts, maxAttempts, true, 0},
		"deadlock":               {conflict("40P01"), 1, 2, false, 1},
		"other_error":            {errWork, 1, 1, false, 0},
		"unique_violation":       {conflict("23505"), 1, 1, false, 0},
		"shutdown_of_the_server": {conflict("57P01"), 1, 1, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := openEmpty(t)
			attempts := 0
			err := postgres.InTx(t.Context(), pool, func(ctx context.Context, tx *postgres.Tx) error {
				attempts++
				if err := insert(ctx, tx, 1); err != nil {
					return err
				}
				if attempts <= tt.failures {
					return tt.err
				}
				return nil
			})
			if attempts != tt.wantAttempts {
				t.Errorf("work ran %d times, want %d", attempts, tt.wantAttempts)
			}
			if wantErr := tt.wantItems == 0; (err != nil) != wantErr || wantErr && !errors.Is(err, tt.err) {
				t.Errorf("InTx = %v, want an error: %t", err, wantErr)
			}
			if got := fault.Is(err, fault.Unavailable); got != tt.wantUnavailable {
				t.Errorf("InTx = %v, want unavailable: %t", err, tt.wantUnavailable)
			}
			wantItems(t, pool, tt.wantItems)
			wantNoTransaction(t, pool)
		})
	}
}

func TestInTx_concurrentUpdate(t *testing.T) {
	t.Parallel()
	pool := openEmpty(t)
	testdb.Exec(t, pool, insertItem, 1)
	attempts := 0
	err := postgres.InTx(t.Context(), pool, func(ctx context.Context, tx *postgres.Tx) error {
		attempts++
		tx.AfterBegin(func(batch *pgx.Batch) { batch.Queue(`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`) })
		if _, err := tx.Exec(ctx, `SELECT n FROM item`); err != nil { // takes the snapshot
			return err
		}
		if attempts == 1 {
			testdb.Exec(t, pool, `UPDATE item SET n = n + 1`)
		}
		return tx.Commit(ctx, batchOf(`UPDATE item SET n = n + 10`))
	})
	if err != nil || attempts != 2 {
		t.Errorf("InTx: %v after %d attempts, want success after 2", err, attempts)
	}
	if n := testdb.QueryInt(t, pool, `SELECT n FROM item`); n != 11 {
		t.Errorf("n = %d, want 11", n)
	}
}

func TestInTx_lockTimeout(t *testing.T) {
	t.Parallel()
	pool := openEmpty(t)
	blocker, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	defer func() { _ = blocker.Rollback(context.Background()) }()
	// An insert of the same key waits until the blocker ends.
	if _, err := blocker.Exec(t.Context(), insertItem, 1); err != nil {
		t.Fatalf("insert: %v", err)
	}
	var attempts []time.Time
	err = postgres.InTx(t.Context(), pool, func(ctx context.Context, tx *postgres.Tx) error {
		attempts = append(attempts, time.Now())
		if len(attempts) == 2 {
			if err := blocker.Rollback(ctx); err != nil {
				t.Errorf("end the blocker: %v", err)
			}
		}
		tx.AfterBegin(func(batch *pgx.Batch) { batch.Queue(`SET LOCAL lock_timeout = '50ms'`) })
		return insert(ctx, tx, 1)
	})
	if err != nil || len(attempts) != 2 {
		t.Fatalf("InTx: %v after %d attempts, want success after 2", err, len(attempts))
	}
	if pause := attempts[1].Sub(attempts[0]); pause < time.Second {
		t.Errorf("the second attempt came after %s, want at least 1s", pause)
	}
	wantItems(t, pool, 1)
}

func TestInTx_cancelled(t *testing.T) {
	t.Parallel()
	pool := openEmpty(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := postgres.InTx(ctx, pool, func(ctx context.Context, tx *postgres.Tx) error {
		if err := insert(ctx, tx, 1); err != nil {
			return err
		}
		cancel()
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("InTx = %v, want %v", err, context.Canceled)
	}
	wantItems(t, pool, 0)
	wantNoTransaction(t, pool)
}

func TestInTx_connectionLost(t *testing.T) {
	t.Parallel()
	pool := openEmpty(t)
	err := postgres.InTx(t.Context(), pool, func(ctx context.Context, tx *postgres.Tx) error {
		var pid int
		batch := &pgx.Batch{}
		batch.Queue(insertItem, 1)
		batch.Queue(`SELECT pg_backend_pid()`).QueryRow(func(row pgx.Row) error { return row.Scan(&pid) })
		if err := tx.Send(ctx, batch); err != nil {
			return err
		}
		testdb.Exec(t, pool, `SELECT pg_terminate_backend($1, 10000)`, pid)
		return tx.Commit(ctx, batchOf(insertItem, 2))
	})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("InTx = %v, want %v", err, fault.Unavailable)
	}
	wantItems(t, pool, 0)
}

func TestTx_roundTrips(t *testing.T) {
	t.Parallel()
	pool, recorder := recorded(t, openEmpty(t))
	err := postgres.InTx(t.Context(), pool, func(ctx context.Context, tx *postgres.Tx) error {
		tx.AfterBegin(func(batch *pgx.Batch) { batch.Queue(`SELECT 'after begin'`) })
		if _, err := tx.Exec(ctx, `SELECT 'first'`); err != nil {
			return err
		}
		if err := tx.Send(ctx, batchOf(`SELECT 'second'`)); err != nil {
			return err
		}
		return tx.Commit(ctx, batchOf(`SELECT 'last'`))
	})
	if err != nil {
		t.Fatalf("InTx: %v", err)
	}
	want := [][]string{
		{`BEGIN`, `SELECT 'after begin'`, `SELECT 'first'`},
		{`SELECT 'second'`},
		{`SELECT 'last'`, `COMMIT`},
	}
	if diff := cmp.Diff(want, recorder.batches); diff != "" {
		t.Errorf("round trips (-want +got):\n%s", diff)
	}
}

func TestTx_roundTrips_onlyBatch(t *testing.T) {
	t.Parallel()
	pool, recorder := recorded(t, openEmpty(t))
	err := postgres.InTx(t.Context(), pool, func(ctx context.Context, tx *postgres.Tx) error {
		tx.AfterBegin(func(batch *pgx.Batch) { batch.Queue(`SELECT 'after begin'`) })
		return tx.Commit(ctx, batchOf(`SELECT 'only'`))
	})
	if err != nil {
		t.Fatalf("InTx: %v", err)
	}
	want := [][]string{{`BEGIN`, `SELECT 'after begin'`, `SELECT 'only'`, `COMMIT`}}
	if diff := cmp.Diff(want, recorder.batches); diff != "" {
		t.Errorf("round trips (-want +got):\n%s", diff)
	}
}

func TestTx_Exec(t *testing.T) {
	t.Parallel()
	pool := openEmpty(t)
	err := postgres.InTx(t.Context(), pool, func(ctx context.Context, tx *postgres.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO item (id) SELECT generate_series(1, $1::int)`, 3)
		if got := tag.RowsAffected(); got != 3 {
			t.Errorf("RowsAffected = %d, want 3", got)
		}
		return err
	})
	if err != nil {
		t.Errorf("InTx: %v", err)
	}
}

// oneConn lends always the same connection.
type oneConn struct{ conn *pgxpool.Conn }

func (o oneConn) AcquireFunc(_ context.Context, f func(*pgxpool.Conn) error) error { return f(o.conn) }

func TestInTx_singleConnection(t *testing.T) {
	t.Parallel()
	pool := openEmpty(t)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatalf("acquire: %v", err)
	}
	defer conn.Release()
	for id, want := range []error{nil, errWork, nil} {
		err := postgres.InTx(t.Context(), oneConn{conn}, func(ctx context.Context, tx *postgres.Tx) error {
			return errors.Join(insert(ctx, tx, id), want)
		})
		if !errors.Is(err, want) {
			t.Errorf("transaction %d: got error %v, want %v", id, err, want)
		}
	}
	wantItems(t, pool, 2)
}
