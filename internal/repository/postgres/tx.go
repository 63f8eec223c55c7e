package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// maxAttempts is how often a transaction or batch runs when another one is in
	// its way, before its caller gets an error.
	maxAttempts = 5
	// lockRetryPause is how long other transactions may go on after a
	// lock_timeout before the transaction runs again.
	lockRetryPause = time.Second
)

// ErrRetry makes InTx run the transaction again, for a conflict that PostgreSQL
// does not report.
var ErrRetry = errors.New("a concurrent transaction changed the same rows")

// Conns lends connections: a pool, or a single connection.
type Conns interface {
	AcquireFunc(ctx context.Context, f func(*pgxpool.Conn) error) error
}

// Tx is a transaction. Every statement of it is sent by Send, Exec or Commit, so
// that none can run outside of it. BEGIN is sent together with the first
// statements and COMMIT together with the last, because a round trip costs as
// much as a statement.
type Tx struct {
	conn       *pgx.Conn
	afterBegin pgx.Batch
	begun      bool
	committed  bool
	err        error // of the first batch that failed; nothing is sent after it
}

// InTx runs work in a transaction and commits it, unless work has called Commit.
//
// It runs the transaction again, up to five times, after a serialization
// failure, a deadlock, a lock timeout or [ErrRetry]. So work may be called
// several times and must have no effects outside the transaction. It has ten
// seconds for everything.
func InTx(ctx context.Context, conns Conns, work func(context.Context, *Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()

	var err error
	for range maxAttempts {
		err = conns.AcquireFunc(ctx, func(conn *pgxpool.Conn) error { return runTx(ctx, conn.Conn(), work) })
		retry := IsConflict(err) || isLockTimeout(err) && sleep(ctx, lockRetryPause)
		if !retry {
			break
		}
	}
	return Translate(err)
}

func runTx(ctx context.Context, conn *pgx.Conn, work func(context.Context, *Tx) error) error {
	tx := &Tx{conn: conn}
	defer tx.rollback(ctx)
	if err := work(ctx, tx); err != nil || tx.committed || !tx.begun {
		return err
	}
	return tx.Commit(ctx, &pgx.Batch{})
}

// sleep reports whether the time passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// AfterBegin adds statements that are sent directly after BEGIN, in the round
// trip of the first batch. It must be called before any other method.
func (tx *Tx) AfterBegin(queue func(*pgx.Batch)) { queue(&tx.afterBegin) }

// Send sends the batch in one round trip. After an error it sends nothing more
// and returns that error: BEGIN may not have reached the server, and the next
// statement would run outside the transaction.
func (tx *Tx) Send(ctx context.Context, batch *pgx.Batch) error {
	if tx.err != nil {
		return tx.err
	}
	if !tx.begun {
		tx.begun = true
		var first pgx.Batch
		first.Queue(`BEGIN`)
		first.QueuedQueries = append(first.QueuedQueries, tx.afterBegin.QueuedQueries...)
		batch.QueuedQueries = append(first.QueuedQueries, batch.QueuedQueries...)
	}
	tx.err = tx.conn.SendBatch(ctx, batch).Close()
	return tx.err
}

// Exec sends one statement.
func (tx *Tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	var tag pgconn.CommandTag
	batch := &pgx.Batch{}
	batch.Queue(sql, args...).Exec(func(result pgconn.CommandTag) error {
		tag = result
		return nil
	})
	err := tx.Send(ctx, batch)
	return tag, err
}

// Commit sends the batch and commits, in one round trip. After an error nothing
// of the transaction is stored, unless the connection broke: then the outcome is
// unknown.
func (tx *Tx) Commit(ctx context.Context, batch *pgx.Batch) error {
	tx.committed = true
	batch.Queue(`COMMIT`)
	return tx.Send(ctx, batch)
}

// rollback ends a transaction that was not committed. Where it fails the pool
// discards the connection.
func (tx *Tx) rollback(ctx context.Context) {
	const idle = 'I'
	if tx.conn.IsClosed() || tx.conn.PgConn().TxStatus() == idle {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _ = tx.conn.Exec(ctx, `ROLLBACK`)
}
