package repository

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pipeline is a transaction about persons, who are not deleted before it ends.
// Its BEGIN travels with its first batch and its COMMIT with its last, because a
// round trip costs as much as a statement.
type pipeline struct {
	*pgx.Conn
	begun bool
	alone bool // nobody else has such a transaction meanwhile
}

// inPipeline runs work in a transaction. One that another got in the way of is
// run again, so work may be called several times.
func inPipeline(ctx context.Context, pool *pgxpool.Pool, alone bool, work func(context.Context, *pipeline) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	var err error
	for range maxConflicts {
		err = pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
			tx := &pipeline{Conn: conn.Conn(), alone: alone}
			defer tx.rollback(ctx)
			return work(ctx, tx)
		})
		if !conflict(err) && (!lockedOut(err) || !sleep(ctx, stepBack)) {
			break
		}
	}
	return translate(err)
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

// SendBatch sends the batch, after a BEGIN where it is the first. The persons are
// locked there: who waited for that later would hold rows that others wait for.
func (p *pipeline) SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults {
	if !p.begun {
		p.begun = true
		var begin pgx.Batch
		begin.Queue(`BEGIN`)
		if p.alone {
			lockPeople(&begin)
		} else {
			keepPeople(&begin)
		}
		batch.QueuedQueries = append(begin.QueuedQueries, batch.QueuedQueries...)
	}
	return p.Conn.SendBatch(ctx, batch)
}

// commit sends the last batch. After an error in it nothing of the transaction
// is there, unless the connection was cut: then nobody knows.
func (p *pipeline) commit(ctx context.Context, batch *pgx.Batch) error {
	batch.Queue(`COMMIT`)
	return p.SendBatch(ctx, batch).Close()
}

// rollback ends what was not committed. Where that fails the pool throws the
// connection away.
func (p *pipeline) rollback(ctx context.Context) {
	const idle = 'I'
	if p.IsClosed() || p.PgConn().TxStatus() == idle {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _ = p.Exec(ctx, `ROLLBACK`)
}
