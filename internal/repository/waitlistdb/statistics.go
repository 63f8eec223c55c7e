package waitlistdb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aisha/internal/repository/postgres"
	"aisha/internal/service/waitlist"
)

// maxSources is how many sources statistics list. Anyone can sign up with a new one.
const maxSources = 1_000

// statisticsCounts begins a statement about counts, which are those of the counted
// entries and one for each of the others. The range of ids has both ends for the
// reason given at Positions.
//
//	$1, $2  first and last day, or NULL
const statisticsCounts = `
	WITH counts AS (
	    SELECT day, source, status, n
	    FROM waitlist_stat
	    UNION ALL
	    SELECT (created_at AT TIME ZONE 'Africa/Nairobi')::date, coalesce(source, ''), status, 1
	    FROM waitlist_entry
	    WHERE id > (SELECT counted_to FROM waitlist_counted)
	      AND id <= (SELECT max(id) FROM waitlist_entry)
	), selected AS (
	    SELECT *
	    FROM counts
	    WHERE ($1::date IS NULL OR day >= $1) AND ($2::date IS NULL OR day <= $2)
	)`

// Statistics implements waitlist.StatisticsStore. Of the sources, it returns the
// thousand with the most entries.
func (c *Counts) Statistics(ctx context.Context, filter waitlist.StatisticsFilter) (waitlist.Statistics, error) {
	statistics := waitlist.Statistics{}
	batch := &pgx.Batch{}
	// A replica returns the state of the last transaction that it has applied.
	batch.Queue(`
		SELECT CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_xact_replay_timestamp(), now()) ELSE now() END`,
	).QueryRow(func(row pgx.Row) error { return row.Scan(&statistics.AsOf) })
	collect := func(rows pgx.Rows) (err error) {
		statistics.Rows, err = pgx.CollectRows(rows, pgx.RowToStructByPos[waitlist.StatisticsRow])
		return err
	}
	switch filter.By {
	case waitlist.ByDay:
		batch.Queue(statisticsCounts+`
			SELECT to_char(day, 'YYYY-MM-DD'), sum(n)::bigint
			FROM selected
			GROUP BY day
			HAVING sum(n) <> 0
			ORDER BY day`, filter.From, filter.To).Query(collect)
	case waitlist.BySource:
		batch.Queue(statisticsCounts+`
			SELECT nullif(source, ''), sum(n)::bigint
			FROM selected
			GROUP BY source
			HAVING sum(n) <> 0
			ORDER BY 2 DESC, source
			LIMIT $3`, filter.From, filter.To, maxSources).Query(collect)
	case waitlist.ByStatus:
		batch.Queue(statisticsCounts+`
			SELECT status::text, sum(n)::bigint
			FROM selected
			GROUP BY status
			HAVING sum(n) <> 0
			ORDER BY 2 DESC, status`, filter.From, filter.To).Query(collect)
	}
	if err := c.reads.SendBatch(ctx, batch).Close(); err != nil {
		return waitlist.Statistics{}, fmt.Errorf("read waitlist statistics: %w", postgres.Translate(err))
	}
	return statistics, nil
}
