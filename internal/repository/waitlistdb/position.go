package waitlistdb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aisha/internal/repository/postgres"
)

// waitingByBlock yields rows of how many entries wait in a block. A block may have
// two rows, one of its counted entries and one of the others.
//
// The range of ids has both ends: PostgreSQL expects it to contain a third of the
// table if it has one.
const waitingByBlock = `
	SELECT block, waiting
	FROM waitlist_block
	UNION ALL
	SELECT coalesce(rank_id, id) >> 10, count(*)
	FROM waitlist_entry
	WHERE id > (SELECT counted_to FROM waitlist_counted)
	  AND id <= (SELECT max(id) FROM waitlist_entry)
	  AND status = 'waiting'
	GROUP BY 1`

// Positions returns the positions of those of the entries that wait; 1 is next. They
// are exact: one snapshot contains the counts, and the entries that no pass has
// counted. Errors: fault.Unavailable.
func (c *Counts) Positions(ctx context.Context, ids []int64) (map[int64]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()

	rows, err := postgres.On(ctx, c.pool).Query(ctx, `
		WITH wanted AS MATERIALIZED (
		    SELECT id, coalesce(rank_id, id) AS rank_id, coalesce(rank_seq, 0) AS rank_seq, coalesce(rank_id, id) >> 10 AS block
		    FROM waitlist_entry
		    WHERE id = ANY ($1) AND status = 'waiting'
		), counts AS MATERIALIZED (`+waitingByBlock+`)
		SELECT id,
		       1 + (SELECT coalesce(sum(waiting), 0)::bigint FROM counts WHERE counts.block < wanted.block)
		         + (SELECT count(*)
		            FROM waitlist_entry AS ahead
		            WHERE ahead.rank_id IS NULL AND ahead.status = 'waiting'
		              AND ahead.id BETWEEN wanted.block << 10 AND wanted.rank_id
		              AND (ahead.id, 0, ahead.id) < (wanted.rank_id, wanted.rank_seq, wanted.id))
		         + (SELECT count(*)
		            FROM waitlist_entry AS ahead
		            WHERE ahead.rank_id >= wanted.block << 10 AND ahead.status = 'waiting'
		              AND (ahead.rank_id, ahead.rank_seq, ahead.id) < (wanted.rank_id, wanted.rank_seq, wanted.id))
		FROM wanted`, ids)
	positions := make(map[int64]int64, len(ids))
	if err == nil {
		var id, position int64
		_, err = pgx.ForEachRow(rows, []any{&id, &position}, func() error { positions[id] = position; return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("read waitlist positions: %w", postgres.Translate(err))
	}
	return positions, nil
}

// Waiting returns how many entries wait. Errors: fault.Unavailable.
func (c *Counts) Waiting(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()

	var n int64
	err := postgres.On(ctx, c.pool).QueryRow(ctx, `
		SELECT coalesce(sum(waiting), 0)::bigint FROM (`+waitingByBlock+`) AS counts`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count waiting entries: %w", postgres.Translate(err))
	}
	return n, nil
}
