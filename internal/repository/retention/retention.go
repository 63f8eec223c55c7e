// Package retention deletes rows whose retention period is over. It runs the
// sweeps that the packages of the domains export.
package retention

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository/postgres"
)

// idleTimeout is when PostgreSQL ends the session of a suspended instance, so
// that it does not keep the retention lock. A pause between two pages is
// shorter.
const idleTimeout = "2min"

// Deleted has the number of deleted rows by table.
type Deleted map[string]int64

// Sweep goes through one table in the order of its primary key, a page at a
// time, and deletes the expired rows. It needs no index on time.
//
// A sweep never waits for a row: it locks what it wants to delete with SKIP
// LOCKED and leaves the rest for the next run. So it cannot deadlock with other
// transactions, in whatever order they lock.
type Sweep struct {
	// Tables lists the tables that the sweep deletes from.
	Tables []string
	// Start is a key before the first page: 0, "" or the zero time.
	Start any
	// Page deletes the expired rows of the page after a key. It returns the last
	// key of the page, nil where nothing is left to look at.
	Page func(ctx context.Context, tx *postgres.Tx, after any) (last any, deleted Deleted, err error)
}

// PageBySQL returns the Page of a sweep that deletes from one table, to which no other
// table refers. The statement has the parameters $1, the key before the page, and $2,
// the maximum age, and returns the last key of the page and the number of deleted
// rows.
func PageBySQL(table, sql string, maxAge time.Duration) func(context.Context, *postgres.Tx, any) (any, Deleted, error) {
	return func(ctx context.Context, tx *postgres.Tx, after any) (last any, deleted Deleted, err error) {
		var n int64
		batch := &pgx.Batch{}
		batch.Queue(sql, after, maxAge).QueryRow(func(row pgx.Row) error { return row.Scan(&last, &n) })
		err = tx.Send(ctx, batch)
		return last, Deleted{table: n}, err
	}
}

// Retention runs sweeps.
type Retention struct {
	pool   *pgxpool.Pool
	sweeps []Sweep
}

// New returns a Retention that runs the sweeps in the given order.
func New(pool *pgxpool.Pool, sweeps []Sweep) *Retention {
	return &Retention{pool: pool, sweeps: sweeps}
}

// DeleteExpired runs all sweeps. Every page is a short transaction, after which
// it calls pause with the time that the page took. It returns the number of
// deleted rows by table, also after an error. It does nothing while another
// instance runs it.
func (r *Retention) DeleteExpired(ctx context.Context, pause func(context.Context, time.Duration)) (map[string]int64, error) {
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to delete expired rows: %w", postgres.Translate(err))
	}
	defer conn.Release()

	locked, err := lock(ctx, conn)
	defer unlock(ctx, conn, locked || err != nil)
	if err != nil || !locked {
		return nil, postgres.Translate(err)
	}
	total := make(Deleted)
	for _, sweep := range r.sweeps {
		if err := sweep.run(ctx, conn, pause, total); err != nil {
			return total, fmt.Errorf("delete expired rows: %w", postgres.Translate(err))
		}
	}
	return total, nil
}

// lock takes the retention lock of the session, and reports whether it was free.
func lock(ctx context.Context, conn *pgxpool.Conn) (locked bool, err error) {
	batch := &pgx.Batch{}
	batch.Queue(`SET idle_session_timeout = '` + idleTimeout + `'`)
	batch.Queue(`SELECT pg_try_advisory_lock($1, 0)`, postgres.LockRetention).QueryRow(func(row pgx.Row) error {
		return row.Scan(&locked)
	})
	err = conn.SendBatch(ctx, batch).Close()
	return locked, err
}

// unlock resets the session. Where that fails the session must not return to the
// pool.
func unlock(ctx context.Context, conn *pgxpool.Conn, locked bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	batch := &pgx.Batch{}
	if locked {
		batch.Queue(`SELECT pg_advisory_unlock($1, 0)`, postgres.LockRetention)
	}
	batch.Queue(`RESET idle_session_timeout`)
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		_ = conn.Conn().Close(ctx)
	}
}

func (s *Sweep) run(ctx context.Context, conn *pgxpool.Conn, pause func(context.Context, time.Duration), total Deleted) error {
	for after := s.Start; after != nil && ctx.Err() == nil; {
		began := time.Now()
		var last any
		var deleted Deleted
		err := postgres.InTx(ctx, oneConn{conn}, func(ctx context.Context, tx *postgres.Tx) (err error) {
			last, deleted, err = s.Page(ctx, tx, after)
			return err
		})
		if err != nil {
			return err
		}
		for table, n := range deleted {
			total[table] += n
		}
		if after = last; after != nil {
			pause(ctx, time.Since(began))
		}
	}
	return ctx.Err()
}

// oneConn lends the session that holds the retention lock.
type oneConn struct{ conn *pgxpool.Conn }

// AcquireFunc implements postgres.Conns.
func (o oneConn) AcquireFunc(_ context.Context, f func(*pgxpool.Conn) error) error { return f(o.conn) }
