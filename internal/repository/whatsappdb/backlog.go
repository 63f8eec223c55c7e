package whatsappdb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aisha/internal/repository/postgres"
	"aisha/internal/service/whatsapp"
)

// Backlog reads the work that waits. Errors: fault.Unavailable.
func (o *Outbox) Backlog(ctx context.Context) (whatsapp.Backlog, error) {
	var backlog whatsapp.Backlog
	var oldest float64
	err := postgres.RunBatch(ctx, o.pool, 1, func(batch *pgx.Batch) {
		batch.Queue(`
			SELECT count(*), coalesce(extract(epoch FROM now() - min(received_at)), 0)::float8
			FROM (SELECT received_at FROM message WHERE answer_id IS NULL LIMIT $1) AS unanswered`, whatsapp.MaxBacklog,
		).QueryRow(func(row pgx.Row) error { return row.Scan(&backlog.Messages, &oldest) })
		batch.Queue(`
			SELECT count(*) FILTER (WHERE delivery = 'unsent'),
			       count(*) FILTER (WHERE delivery = 'sending' AND attempted_at >= now() - $2::interval),
			       count(*) FILTER (WHERE delivery = 'sending' AND attempted_at < now() - $2::interval)
			FROM (SELECT delivery, attempted_at FROM answer_part WHERE open LIMIT $1) AS open_parts`,
			whatsapp.MaxBacklog, whatsapp.UnknownAfter,
		).QueryRow(func(row pgx.Row) error {
			return row.Scan(&backlog.Unsent, &backlog.Sending, &backlog.Unknown)
		})
	})
	if err != nil {
		return whatsapp.Backlog{}, fmt.Errorf("read the backlog: %w", err)
	}
	backlog.OldestMessage = postgres.Seconds(oldest)
	backlog.Holds, err = o.SendHolds(ctx)
	return backlog, err
}
