package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/service/whatsapp"
)

const (
	// maxBacklog bounds what is counted of a backlog, so that looking at it
	// costs little just when there is much to do.
	maxBacklog = 10_000
	// unknownAfter is when a send that has begun has ended in any case, so that
	// its outcome is not on its way but unknown. It is over the time-out of a
	// call of the Graph API.
	unknownAfter = 30 * time.Second
)

// Backlog is what waits, over all instances. Numbers end at 10,000; where there
// is more the oldest message may be older than told.
type Backlog struct {
	Messages      int           // without an answer
	OldestMessage time.Duration // since the oldest of them was stored
	Unsent        int           // parts of answers that nobody is sending
	Sending       int           // parts that are being sent
	Unknown       int           // parts whose send ended without an outcome
	Closed        []whatsapp.Gate
}

// Backlog reads what waits.
func (o *Outbox) Backlog(ctx context.Context) (Backlog, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	var backlog Backlog
	var oldest float64
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT count(*), coalesce(extract(epoch FROM now() - min(received_at)), 0)::float8
		FROM (SELECT received_at FROM message WHERE answer_id IS NULL LIMIT $1) AS waiting`, maxBacklog,
	).QueryRow(func(row pgx.Row) error { return row.Scan(&backlog.Messages, &oldest) })
	batch.Queue(`
		SELECT count(*) FILTER (WHERE delivery = 'unsent'),
		       count(*) FILTER (WHERE delivery = 'sending' AND attempted_at >= now() - $2::interval),
		       count(*) FILTER (WHERE delivery = 'sending' AND attempted_at < now() - $2::interval)
		FROM (SELECT delivery, attempted_at FROM part WHERE open LIMIT $1) AS waiting`,
		maxBacklog, unknownAfter,
	).QueryRow(func(row pgx.Row) error {
		return row.Scan(&backlog.Unsent, &backlog.Sending, &backlog.Unknown)
	})
	if err := o.pool.SendBatch(ctx, batch).Close(); err != nil {
		return Backlog{}, fmt.Errorf("read the backlog: %w", translate(err))
	}
	backlog.OldestMessage = seconds(oldest)
	var err error
	backlog.Closed, err = o.Gates(ctx)
	return backlog, err
}
