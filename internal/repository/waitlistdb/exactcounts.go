package waitlistdb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository/postgres"
)

// ExactCounts counts the waiting entries for each call, which takes a second for
// millions of them. It implements waitlist.Counts.
type ExactCounts struct{ reads *pgxpool.Pool }

// NewExactCounts returns an ExactCounts.
func NewExactCounts(reads *pgxpool.Pool) *ExactCounts { return &ExactCounts{reads: reads} }

// Positions implements waitlist.Counts.
func (c *ExactCounts) Positions(ctx context.Context, ids []int64) (map[int64]int64, error) {
	positions := make(map[int64]int64, len(ids))
	rows, err := c.reads.Query(ctx, `
		SELECT entry.id,
		       (SELECT count(*)
		        FROM waitlist_entry AS other
		        WHERE other.status = 'waiting'
		          AND (coalesce(other.rank_id, other.id), coalesce(other.rank_seq, 0), other.id)
		              <= (coalesce(entry.rank_id, entry.id), coalesce(entry.rank_seq, 0), entry.id))
		FROM waitlist_entry AS entry
		WHERE entry.id = ANY ($1) AND entry.status = 'waiting'`, ids)
	if err == nil {
		var id, position int64
		_, err = pgx.ForEachRow(rows, []any{&id, &position}, func() error { positions[id] = position; return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("count positions: %w", postgres.Translate(err))
	}
	return positions, nil
}

// Waiting implements waitlist.Counts.
func (c *ExactCounts) Waiting(ctx context.Context) (int64, error) {
	var waiting int64
	err := c.reads.QueryRow(ctx, `SELECT count(*) FROM waitlist_entry WHERE status = 'waiting'`).Scan(&waiting)
	if err != nil {
		return 0, fmt.Errorf("count waiting entries: %w", postgres.Translate(err))
	}
	return waiting, nil
}
