package waitlistdb

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/fault"
	"aisha/internal/repository/postgres"
)

const (
	// countStep is how many entries one step of the counting pass adds. It must take
	// far less than the ten seconds of a transaction, on slow disks too.
	countStep = 5_000
	// signUpWait is how long a pass waits for sign-ups in progress. It is as long as
	// any of them takes.
	signUpWait = postgres.CallTimeout
	// signUpPoll is the pause between two looks at the sign-ups in progress.
	signUpPoll = 20 * time.Millisecond
)

// Counts maintains the counts and the search table of the waiting list, and reads
// positions and statistics from them. Sign-ups do not write to these tables: a pass
// adds their entries a few seconds later, in the order of their ids. Positions and
// statistics are exact all the same: they include the entries that no pass has counted.
type Counts struct {
	pool  *pgxpool.Pool
	reads *pgxpool.Pool

	step       int
	signUpWait time.Duration
}

// NewCounts returns a Counts. pool is the pool for key lookups, and reads the one for
// lists.
func NewCounts(pool, reads *pgxpool.Pool) *Counts {
	return &Counts{pool: pool, reads: reads, step: countStep, signUpWait: signUpWait}
}

// Count does one step of the pass, and reports whether there is more to do. It does
// nothing while another instance does a step. Errors: fault.Unavailable, also when a
// sign-up in progress does not end.
func (c *Counts) Count(ctx context.Context) (more bool, err error) {
	next, err := c.uncounted(ctx)
	if err != nil || next.newest == next.countedTo && !next.renamed {
		return false, err
	}
	if err := c.awaitEnd(ctx, next.signUps); err != nil {
		return false, err
	}
	err = postgres.InTx(ctx, c.pool, func(ctx context.Context, tx *postgres.Tx) error {
		more, err = c.countStep(ctx, tx, next.newest)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("count waitlist entries: %w", err)
	}
	return more, nil
}

// uncounted is what a pass has to do.
type uncounted struct {
	countedTo int64
	newest    int64    // highest id of an entry
	renamed   bool     // names have changed since the last pass
	signUps   []string // transactions that may add an entry with an id up to newest
}

// uncounted finds the transactions that may still add an entry with an id up to
// newest. A sign-up draws the id in a transaction that has an advisory lock of
// LockSignUp, and releases the lock after its commit is visible. pg_locks is read
// after the snapshot that newest belongs to. So every transaction with a lower id is
// either visible to later snapshots, or listed, or was rolled back.
func (c *Counts) uncounted(ctx context.Context) (uncounted, error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()

	var next uncounted
	err := c.pool.QueryRow(ctx, `
		SELECT counted_to,
		       greatest(counted_to, (SELECT max(id) FROM waitlist_entry)),
		       EXISTS (SELECT FROM waitlist_search_pending),
		       ARRAY (SELECT DISTINCT virtualtransaction
		              FROM pg_locks
		              WHERE locktype = 'advisory' AND objsubid = 2 AND granted
		                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
		                AND classid::bigint = $1)
		FROM waitlist_counted`, postgres.LockSignUp,
	).Scan(&next.countedTo, &next.newest, &next.renamed, &next.signUps)
	if err != nil {
		return uncounted{}, fmt.Errorf("find uncounted waitlist entries: %w", postgres.Translate(err))
	}
	if next.newest == next.countedTo {
		next.signUps = nil
	}
	return next, nil
}

// awaitEnd waits until the sign-ups have ended. PostgreSQL never uses the name of a
// transaction again.
func (c *Counts) awaitEnd(ctx context.Context, signUps []string) error {
	if len(signUps) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.signUpWait)
	defer cancel()

	for {
		var running bool
		err := c.pool.QueryRow(ctx, `
			SELECT EXISTS (SELECT FROM pg_locks
			               WHERE locktype = 'advisory' AND objsubid = 2 AND classid::bigint = $1
			                 AND virtualtransaction = ANY ($2))`, postgres.LockSignUp, signUps).Scan(&running)
		switch {
		case ctx.Err() != nil:
			return fault.Wrap(ctx.Err(), fault.Unavailable, "a sign-up is still in progress")
		case err != nil:
			return fmt.Errorf("wait for sign-ups in progress: %w", postgres.Translate(err))
		case !running:
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(signUpPoll):
		}
	}
}

// countStep counts further entries, of those with an id up to newest, and updates
// the search rows of renamed ones. All entries up to newest must be visible.
//
// The row of waitlist_counted lets one instance at a time do this. The exclusive lock
// makes updates of entries wait, so the search rows, which take most of the time, are
// added before it is taken: an entry that is renamed between the two is in
// waitlist_search_pending.
func (c *Counts) countStep(ctx context.Context, tx *postgres.Tx, newest int64) (more bool, err error) {
	tx.AfterBegin(func(batch *pgx.Batch) {
		// While the exclusive lock is awaited, other updates wait behind it.
		batch.Queue(`SET LOCAL lock_timeout = '1s'`)
	})
	from, to, more, err := c.nextRange(ctx, tx, newest)
	if err != nil || to < from {
		return false, err
	}
	var batch pgx.Batch
	if to > from {
		batch.Queue(`
			INSERT INTO waitlist_search (entry_id, words)
			SELECT id, waitlist_search_words(username, phone_number)
			FROM waitlist_entry
			WHERE id > $1 AND id <= $2
			ORDER BY id`, from, to)
	}
	batch.Queue(`SELECT pg_advisory_xact_lock($1, 0)`, postgres.LockCounts)
	if to > from {
		queueCounts(&batch, from, to)
	}
	c.queueRenamed(&batch, &more)
	return more, tx.Commit(ctx, &batch)
}

// nextRange locks counted_to for this instance, and returns the range of ids that
// the step counts: from is not included. It returns a to below from if another
// instance has the lock.
func (c *Counts) nextRange(ctx context.Context, tx *postgres.Tx, newest int64) (from, to int64, more bool, err error) {
	var batch pgx.Batch
	to = -1
	batch.Queue(`SELECT counted_to FROM waitlist_counted FOR UPDATE SKIP LOCKED`).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&from}, func() error { to = max(from, newest); return nil })
		return err
	})
	if err := tx.Send(ctx, &batch); err != nil || to <= from {
		return from, to, false, err
	}
	batch = pgx.Batch{}
	batch.Queue(`
		SELECT coalesce((SELECT id
		                 FROM waitlist_entry
		                 WHERE id > $1 AND id <= $2
		                 ORDER BY id
		                 OFFSET $3 LIMIT 1), $2)`, from, newest, c.step-1).QueryRow(func(row pgx.Row) error { return row.Scan(&to) })
	err = tx.Send(ctx, &batch)
	return from, to, to < newest, err
}

func queueCounts(batch *pgx.Batch, from, to int64) {
	batch.Queue(`
		INSERT INTO waitlist_block AS counts (block, waiting)
		SELECT coalesce(rank_id, id) >> 10 AS block, count(*)
		FROM waitlist_entry
		WHERE id > $1 AND id <= $2 AND status = 'waiting'
		GROUP BY 1
		ORDER BY 1
		ON CONFLICT (block) DO UPDATE SET waiting = counts.waiting + excluded.waiting`, from, to)
	batch.Queue(`
		INSERT INTO waitlist_stat AS counts (day, source, status, n)
		SELECT (created_at AT TIME ZONE 'Africa/Nairobi')::date, coalesce(source, ''), status, count(*)
		FROM waitlist_entry
		WHERE id > $1 AND id <= $2
		GROUP BY 1, 2, 3
		ORDER BY 1, 2, 3
		ON CONFLICT (day, source, status) DO UPDATE SET n = counts.n + excluded.n`, from, to)
	batch.Queue(`UPDATE waitlist_counted SET counted_to = $1`, to)
}

// queueRenamed updates search rows of renamed entries, and sets more if there may be
// others. An entry without a search row gets it with its new name when it is counted.
func (c *Counts) queueRenamed(batch *pgx.Batch, more *bool) {
	batch.Queue(`
		WITH renamed AS (
		    DELETE FROM waitlist_search_pending
		    WHERE entry_id IN (SELECT entry_id FROM waitlist_search_pending ORDER BY entry_id LIMIT $1)
		    RETURNING entry_id
		), updated AS (
		    UPDATE waitlist_search AS search
		    SET words = waitlist_search_words(username, phone_number)
		    FROM renamed JOIN waitlist_entry ON id = renamed.entry_id
		    WHERE search.entry_id = renamed.entry_id
		)
		SELECT count(*) FROM renamed`, c.step,
	).QueryRow(func(row pgx.Row) error {
		var n int
		err := row.Scan(&n)
		*more = *more || n == c.step
		return err
	})
}
