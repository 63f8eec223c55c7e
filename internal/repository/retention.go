package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Retention deletes what has been kept for long enough. The waiting list and
// who opted out are kept for ever.
//
// It never waits for a row: what it wants to delete it locks first, and what
// somebody else has locked it leaves for the next time. So it cannot deadlock
// with anybody, in whatever order they lock. For the one lock that stands for
// all persons it waits before it has any other.
type Retention struct {
	pool *pgxpool.Pool
	ages Ages
}

// Ages are how old things become; zero is for ever.
type Ages struct {
	Messages time.Duration // with their answers, by the time of the answer
	Webhooks time.Duration // items of webhooks that nobody acted on
}

const (
	// What came too early is of no use when its match has not come by then: the
	// answer to a send takes seconds, but Meta tries for seven days to deliver
	// a message.
	earlyStatusAge = 24 * time.Hour
	earlyChangeAge = 8 * 24 * time.Hour
)

// NewRetention makes a Retention.
func NewRetention(pool *pgxpool.Pool, ages Ages) *Retention { return &Retention{pool, ages} }

// Prune deletes everything that is too old, oldest first, and returns how many
// rows of which table that was, even when it fails halfway. It works in short
// transactions, and after each it calls pause with how long that took. While
// another instance is at it there is nothing to do.
func (r *Retention) Prune(ctx context.Context, pause func(context.Context, time.Duration)) (map[string]int64, error) {
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to delete what is old: %w", translate(err))
	}
	defer conn.Release()

	// An instance that stands still must not keep the lock. A pause is shorter.
	var mine bool
	take := &pgx.Batch{}
	take.Queue(`SET idle_session_timeout = '2min'`)
	take.Queue(`SELECT pg_try_advisory_lock($1, 0)`, retentionLocks).QueryRow(func(row pgx.Row) error { return row.Scan(&mine) })
	err = conn.SendBatch(ctx, take).Close()
	// Both belong to the session. Where they cannot be given back it must not go
	// back to the pool.
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		back := &pgx.Batch{}
		if mine || err != nil {
			back.Queue(`SELECT pg_advisory_unlock($1, 0)`, retentionLocks)
		}
		back.Queue(`RESET idle_session_timeout`)
		if err := conn.SendBatch(ctx, back).Close(); err != nil {
			_ = conn.Conn().Close(ctx)
		}
	}()
	if err != nil || !mine {
		return nil, translate(err)
	}

	total := make(counts)
	for _, s := range r.sweeps() {
		if err := s.run(ctx, conn, pause, total); err != nil {
			return total, fmt.Errorf("delete what is old: %w", translate(err))
		}
	}
	return total, nil
}

// counts is how many rows of each table.
type counts map[string]int64

// sweep goes through one table in the order of its primary key, so that it
// needs no index on time. Ids grow with time, so where the key is an id the
// first row that is too young ends the sweep. Rows are named by an array,
// because for that the planner uses the index however large it thinks a table.
type sweep struct {
	after any // key where the next page begins
	// page deletes what is old among the next rows. It returns the last of
	// their keys, nil where there is nothing more to look at.
	page func(ctx context.Context, tx pgx.Tx, after any) (last any, deleted counts, err error)
}

func (r *Retention) sweeps() []sweep {
	sweeps := []sweep{
		{"", prunePage("early_status", pruneBrief("early_status", "wamid", "received_at"), earlyStatusAge)},
		{"", prunePage("early_change", pruneBrief("early_change", "wamid", "received_at"), earlyChangeAge)},
		{int64(0), prunePage("quota", pruneBrief("quota", "person_id", "full_at"), 0)},
	}
	if r.ages.Webhooks > 0 {
		sweeps = append(sweeps, sweep{int64(0), prunePage("kept_item", pruneKept, r.ages.Webhooks)})
	}
	if r.ages.Messages > 0 {
		// Persons come after what belongs to them.
		sweeps = append(sweeps, sweep{int64(0), r.pruneExchanges}, sweep{int64(0), r.prunePeople})
	}
	return sweeps
}

func (s *sweep) run(ctx context.Context, conn *pgxpool.Conn, pause func(context.Context, time.Duration), total counts) error {
	for s.after != nil && ctx.Err() == nil {
		began := time.Now()
		deleted, err := s.step(ctx, conn)
		if err != nil {
			return err
		}
		for table, n := range deleted {
			total[table] += n
		}
		if s.after != nil {
			pause(ctx, time.Since(began))
		}
	}
	return ctx.Err()
}

// step looks at one page in a transaction of its own.
func (s *sweep) step(ctx context.Context, conn *pgxpool.Conn) (deleted counts, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		s.after, deleted, err = s.page(ctx, tx, s.after)
		return err
	})
	return deleted, err
}

// prunePage is for tables that nothing points to.
func prunePage(table, sql string, age time.Duration) func(context.Context, pgx.Tx, any) (any, counts, error) {
	return func(ctx context.Context, tx pgx.Tx, after any) (last any, deleted counts, err error) {
		var n int64
		err = tx.QueryRow(ctx, sql, after, age).Scan(&last, &n)
		return last, counts{table: n}, err
	}
}

const pruneKept = `
	WITH page AS (
		SELECT id, received_at FROM kept_item WHERE id > $1 ORDER BY id LIMIT 1000
	), gone AS (
		DELETE FROM kept_item
		WHERE id = ANY (ARRAY(SELECT id FROM page WHERE received_at < now() - $2::interval))
		RETURNING id
	)
	SELECT max(id), count(*) FROM gone`

// pruneBrief is for what does not last: what came before that which it is about,
// and what was sent a moment ago. Its key has no order of time, but there is
// never much of it.
func pruneBrief(table, key, since string) string {
	return fmt.Sprintf(`
	WITH page AS (
		SELECT %[2]s, %[3]s FROM %[1]s WHERE %[2]s > $1 ORDER BY %[2]s LIMIT 1000
	), old AS (
		SELECT %[2]s FROM %[1]s
		WHERE %[2]s = ANY (ARRAY(SELECT %[2]s FROM page)) AND %[3]s < now() - $2::interval
		ORDER BY %[2]s
		FOR UPDATE SKIP LOCKED
	), gone AS (
		DELETE FROM %[1]s WHERE %[2]s = ANY (ARRAY(SELECT %[2]s FROM old)) RETURNING %[2]s
	)
	SELECT (SELECT max(%[2]s) FROM page), (SELECT count(*) FROM gone)`, table, key, since)
}

// pruneExchanges deletes answers with what they answer and what was sent of
// them, where all of it is finished: every part has been sent or given up. A
// message without an answer waits, and is not looked at here. A page is some
// thousand rows, because few answers have more than four.
//
// What is locked is read as it is then, so a part that a status puts back at
// this moment is seen. Nothing can join an answer once it is stored.
func (r *Retention) pruneExchanges(ctx context.Context, tx pgx.Tx, after any) (last any, deleted counts, err error) {
	var finished []int64
	err = tx.QueryRow(ctx, `
		WITH page AS (
			SELECT id, created_at FROM answer WHERE id > $1 ORDER BY id LIMIT 250
		), old AS (
			SELECT id FROM page WHERE created_at < now() - $2::interval
		), answers AS (
			SELECT id FROM answer WHERE id = ANY (ARRAY(SELECT id FROM old))
			ORDER BY id FOR UPDATE SKIP LOCKED
		), messages AS (
			SELECT id FROM message WHERE answer_id = ANY (ARRAY(SELECT id FROM old))
			ORDER BY id FOR UPDATE SKIP LOCKED
		), parts AS (
			SELECT id, open FROM part WHERE answer_id = ANY (ARRAY(SELECT id FROM old))
			ORDER BY id FOR UPDATE SKIP LOCKED
		)
		SELECT (SELECT max(id) FROM old), coalesce(array_agg(id), '{}')
		FROM answers
		WHERE NOT EXISTS (
		          SELECT FROM message
		          WHERE answer_id = answers.id AND id NOT IN (SELECT id FROM messages))
		  AND NOT EXISTS (
		          SELECT FROM part
		          WHERE answer_id = answers.id
		            AND id NOT IN (SELECT id FROM parts WHERE NOT open))`,
		after, r.ages.Messages).Scan(&last, &finished)
	if err != nil {
		return nil, nil, fmt.Errorf("find finished exchanges: %w", err)
	}
	deleted, err = remove(ctx, tx, finished, []removal{
		{"former_wamid", `DELETE FROM former_wamid USING part WHERE part.answer_id = ANY ($1) AND part.id = former_wamid.part_id`},
		{"part", `DELETE FROM part WHERE answer_id = ANY ($1)`},
		{"message", `DELETE FROM message WHERE answer_id = ANY ($1)`},
		{"answer", `DELETE FROM answer WHERE id = ANY ($1)`},
	})
	return last, deleted, err
}

// idle is true of a person nothing is left of, and nothing must be remembered
// of. A message of theirs waits, or belongs to an answer of theirs.
const idle = `
	opted_out_at IS NULL AND coalesce(paused_until < now(), true)
	AND NOT EXISTS (SELECT FROM answer WHERE answer.person_id = person.id)
	AND NOT EXISTS (SELECT FROM message WHERE message.person_id = person.id AND answer_id IS NULL)`

// prunePeople deletes persons who are idle, while nobody else can store a
// message of theirs. Whoever does so afterwards stores the person anew. They are
// searched for before, because everybody waits meanwhile, and looked at once more
// when they are locked: an answer can still be stored.
func (r *Retention) prunePeople(ctx context.Context, tx pgx.Tx, after any) (last any, deleted counts, err error) {
	var found []int64
	err = tx.QueryRow(ctx, `
		WITH page AS (
			SELECT id, created_at FROM person WHERE id > $1 ORDER BY id LIMIT 1000
		), old AS (
			SELECT id FROM page WHERE created_at < now() - $2::interval
		), found AS (
			SELECT id FROM person WHERE id = ANY (ARRAY(SELECT id FROM old)) AND `+idle+`
		)
		SELECT (SELECT max(id) FROM old), coalesce(array_agg(id), '{}') FROM found`,
		after, r.ages.Messages).Scan(&last, &found)
	if err != nil {
		return nil, nil, fmt.Errorf("find persons nothing is left of: %w", err)
	}
	if len(found) == 0 {
		return last, nil, nil
	}
	lock := &pgx.Batch{}
	lockPeople(lock)
	lock.Queue(`
		SELECT coalesce(array_agg(id), '{}')
		FROM (SELECT id FROM person WHERE id = ANY ($1) ORDER BY id FOR UPDATE SKIP LOCKED) AS locked`, found,
	).QueryRow(func(row pgx.Row) error { return row.Scan(&found) })
	if err := tx.SendBatch(ctx, lock).Close(); err != nil {
		return nil, nil, fmt.Errorf("lock persons nothing is left of: %w", err)
	}
	deleted, err = remove(ctx, tx, found, []removal{
		{"person", `DELETE FROM person WHERE id = ANY ($1) AND ` + idle},
	})
	return last, deleted, err
}

// removal deletes the rows of one table that belong to $1.
type removal struct{ table, sql string }

func remove(ctx context.Context, tx pgx.Tx, ids []int64, removals []removal) (counts, error) {
	deleted := make(counts)
	if len(ids) == 0 {
		return deleted, nil
	}
	batch := &pgx.Batch{}
	for _, r := range removals {
		batch.Queue(r.sql, ids).Exec(func(tag pgconn.CommandTag) error {
			deleted[r.table] = tag.RowsAffected()
			return nil
		})
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("delete rows: %w", err)
	}
	return deleted, nil
}
