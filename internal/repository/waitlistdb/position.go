package waitlistdb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aisha/internal/repository/postgres"
)

// Positions returns the positions of those of the entries that wait; 1 is next. They
// are exact: one snapshot contains the counts, and the entries that no pass has
// counted. Errors: fault.Unavailable.
//
// A position is one more than the number of entries that wait in earlier blocks,
// which waitlist_block has, and before the entry in its own block, which are counted
// one by one. The sum over the earlier blocks continues from one of the wanted blocks
// to the next, so that each row of waitlist_block is read once. The range of uncounted
// ids has both ends: with one, PostgreSQL would expect it to contain a third of the
// table.
func (c *Counts) Positions(ctx context.Context, ids []int64) (map[int64]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()

	rows, err := postgres.On(ctx, c.pool).Query(ctx, `
		WITH wanted AS MATERIALIZED (
		    SELECT id, coalesce(rank_id, id) AS rank_id, coalesce(rank_seq, 0) AS rank_seq, coalesce(rank_id, id) >> 10 AS block
		    FROM waitlist_entry
		    WHERE id = ANY ($1) AND status = 'waiting'
		), uncounted AS MATERIALIZED (
		    SELECT coalesce(rank_id, id) >> 10 AS block, count(*) AS waiting
		    FROM waitlist_entry
		    WHERE id > (SELECT counted_to FROM waitlist_counted)
		      AND id <= (SELECT max(id) FROM waitlist_entry)
		      AND status = 'waiting'
		    GROUP BY 1
		), step AS (
		    SELECT block, lag(block, 1, 0) OVER (ORDER BY block) AS previous
		    FROM wanted
		    GROUP BY block
		), earlier AS (
		    SELECT block,
		           sum((SELECT coalesce(sum(waiting), 0)
		                FROM waitlist_block AS other
		                WHERE other.block >= step.previous AND other.block < step.block)
		             + (SELECT coalesce(sum(waiting), 0)
		                FROM uncounted AS other
		                WHERE other.block >= step.previous AND other.block < step.block)) OVER (ORDER BY block) AS waiting
		    FROM step
		)
		SELECT id,
		       1 + earlier.waiting::bigint
		         + (SELECT count(*)
		            FROM waitlist_entry AS ahead
		            WHERE ahead.rank_id IS NULL AND ahead.status = 'waiting'
		              AND ahead.id BETWEEN wanted.block << 10 AND wanted.rank_id
		              AND (ahead.id, 0, ahead.id) < (wanted.rank_id, wanted.rank_seq, wanted.id))
		         + (SELECT count(*)
		            FROM waitlist_entry AS ahead
		            WHERE ahead.rank_id >= wanted.block << 10 AND ahead.status = 'waiting'
		              AND (ahead.rank_id, ahead.rank_seq, ahead.id) < (wanted.rank_id, wanted.rank_seq, wanted.id))
		FROM wanted JOIN earlier USING (block)`, ids)
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
		SELECT coalesce((SELECT sum(waiting)::bigint FROM waitlist_block), 0)
		     + (SELECT count(*)
		        FROM waitlist_entry
		        WHERE id > (SELECT counted_to FROM waitlist_counted)
		          AND id <= (SELECT max(id) FROM waitlist_entry)
		          AND status = 'waiting')`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count waiting entries: %w", postgres.Translate(err))
	}
	return n, nil
}
