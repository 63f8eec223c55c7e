package repository

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pipeline is a transaction whose BEGIN travels with its first batch and whose
// COMMIT with its last, because a round trip costs as much as a statement.
type pipeline struct {
	*pgx.Conn
	begun bool
	again bool // it lost against another transaction before

	changesPeople bool // as is known from the beginning
}

// inPipeline runs work in a transaction. One that another got in the way of is
// run again, so work may be called several times.
func inPipeline(ctx context.Context, pool *pgxpool.Pool, work func(context.Context, *pipeline) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	var err error
	for attempt := range maxConflicts {
		err = pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
			tx := &pipeline{Conn: conn.Conn(), again: attempt > 0}
			defer tx.rollback(ctx)
			return work(ctx, tx)
		})
		if !conflict(err) {
			break
		}
	}
	return translate(err)
}

// SendBatch sends the batch, after a BEGIN where it is the first.
func (p *pipeline) SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults {
	if !p.begun {
		p.begun = true
		var begin pgx.Batch
		begin.Queue(`BEGIN`)
		batch.QueuedQueries = append(begin.QueuedQueries, batch.QueuedQueries...)
	}
	return p.Conn.SendBatch(ctx, batch)
}

// exclusive reports whether the transaction may change persons. It is known
// from the beginning, or else found out by losing.
func (p *pipeline) exclusive() bool { return p.again || p.changesPeople }

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
