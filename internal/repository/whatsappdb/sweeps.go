package whatsappdb

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"aisha/internal/repository/postgres"
	"aisha/internal/repository/retention"
	"aisha/internal/service/whatsapp"
)

// RetentionPeriods says how long rows are kept. Zero means for ever.
type RetentionPeriods struct {
	Messages       time.Duration // and their answers, from the time of the answer
	UnhandledItems time.Duration
}

// Sweeps returns the sweeps of all tables of this package. Persons come last,
// after the rows that belong to them.
func Sweeps(periods RetentionPeriods) []retention.Sweep {
	sweeps := []retention.Sweep{
		{Tables: []string{"pending_status"}, Start: "", Page: retention.PageBySQL("pending_status", sweepPendingStatuses, whatsapp.PendingStatusAge)},
		{Tables: []string{"pending_change"}, Start: "", Page: retention.PageBySQL("pending_change", sweepPendingChanges, whatsapp.PendingChangeAge)},
		{Tables: []string{"person_send_quota"}, Start: int64(0), Page: retention.PageBySQL("person_send_quota", sweepQuotas, 0)},
	}
	if periods.UnhandledItems > 0 {
		sweeps = append(sweeps, retention.Sweep{
			Tables: []string{"unhandled_item"}, Start: int64(0),
			Page: retention.PageBySQL("unhandled_item", sweepUnhandledItems, periods.UnhandledItems),
		})
	}
	if periods.Messages > 0 {
		sweeps = append(sweeps,
			retention.Sweep{
				Tables: []string{"former_wamid", "answer_part", "message", "answer"}, Start: int64(0),
				Page: answerSweep{maxAge: periods.Messages}.page,
			},
			retention.Sweep{
				Tables: []string{"person"}, Start: int64(0),
				Page: personSweep{maxAge: periods.Messages}.page,
			})
	}
	return sweeps
}

// The statements compare the key with an array, so that the planner uses the
// primary key whatever size it assumes for the table. Where the key is an id,
// which grows with time, the first row that is too young ends the sweep. The
// other tables are small, so their sweeps look at every row.

const sweepUnhandledItems = `
	WITH page AS (
		SELECT id, received_at FROM unhandled_item WHERE id > $1 ORDER BY id LIMIT 1000
	), deleted AS (
		DELETE FROM unhandled_item
		WHERE id = ANY (ARRAY(SELECT id FROM page WHERE received_at < now() - $2::interval))
		RETURNING id
	)
	SELECT max(id), count(*) FROM deleted`

const sweepPendingStatuses = `
	WITH page AS (
		SELECT wamid FROM pending_status WHERE wamid > $1 ORDER BY wamid LIMIT 1000
	), expired AS (
		SELECT wamid FROM pending_status
		WHERE wamid = ANY (ARRAY(SELECT wamid FROM page)) AND received_at < now() - $2::interval
		ORDER BY wamid
		FOR UPDATE SKIP LOCKED
	), deleted AS (
		DELETE FROM pending_status WHERE wamid = ANY (ARRAY(SELECT wamid FROM expired)) RETURNING wamid
	)
	SELECT (SELECT max(wamid) FROM page), (SELECT count(*) FROM deleted)`

const sweepPendingChanges = `
	WITH page AS (
		SELECT wamid FROM pending_change WHERE wamid > $1 ORDER BY wamid LIMIT 1000
	), expired AS (
		SELECT ctid FROM pending_change
		WHERE wamid = ANY (ARRAY(SELECT wamid FROM page)) AND received_at < now() - $2::interval
		ORDER BY wamid, bsuid, wa_id
		FOR UPDATE SKIP LOCKED
	), deleted AS (
		DELETE FROM pending_change WHERE ctid = ANY (ARRAY(SELECT ctid FROM expired)) RETURNING wamid
	)
	SELECT (SELECT max(wamid) FROM page), (SELECT count(*) FROM deleted)`

const sweepQuotas = `
	WITH page AS (
		SELECT person_id FROM person_send_quota WHERE person_id > $1 ORDER BY person_id LIMIT 1000
	), expired AS (
		SELECT person_id FROM person_send_quota
		WHERE person_id = ANY (ARRAY(SELECT person_id FROM page)) AND replenished_at < now() - $2::interval
		ORDER BY person_id
		FOR UPDATE SKIP LOCKED
	), deleted AS (
		DELETE FROM person_send_quota WHERE person_id = ANY (ARRAY(SELECT person_id FROM expired)) RETURNING person_id
	)
	SELECT (SELECT max(person_id) FROM page), (SELECT count(*) FROM deleted)`

// answerSweep deletes answers with their messages and parts, where every part is
// sent or given up. A message without an answer is not touched.
type answerSweep struct{ maxAge time.Duration }

// page handles 250 answers, which are some thousand rows, because few answers
// have more than four parts. Locked rows are read as they are at that moment, so
// a part that a status makes unsent just then is seen. Nothing is added to a
// stored answer.
func (s answerSweep) page(ctx context.Context, tx *postgres.Tx, after any) (last any, deleted retention.Deleted, err error) {
	var finished []int64
	batch := &pgx.Batch{}
	batch.Queue(`
		WITH page AS (
			SELECT id, created_at FROM answer WHERE id > $1 ORDER BY id LIMIT 250
		), expired AS (
			SELECT id FROM page WHERE created_at < now() - $2::interval
		), answers AS (
			SELECT id FROM answer WHERE id = ANY (ARRAY(SELECT id FROM expired))
			ORDER BY id FOR UPDATE SKIP LOCKED
		), messages AS (
			SELECT id FROM message WHERE answer_id = ANY (ARRAY(SELECT id FROM expired))
			ORDER BY id FOR UPDATE SKIP LOCKED
		), parts AS (
			SELECT id, open FROM answer_part WHERE answer_id = ANY (ARRAY(SELECT id FROM expired))
			ORDER BY id FOR UPDATE SKIP LOCKED
		)
		SELECT (SELECT max(id) FROM expired), coalesce(array_agg(id), '{}')
		FROM answers
		WHERE NOT EXISTS (
		          SELECT FROM message
		          WHERE answer_id = answers.id AND id NOT IN (SELECT id FROM messages))
		  AND NOT EXISTS (
		          SELECT FROM answer_part
		          WHERE answer_id = answers.id
		            AND id NOT IN (SELECT id FROM parts WHERE NOT open))`,
		after, s.maxAge,
	).QueryRow(func(row pgx.Row) error { return row.Scan(&last, &finished) })
	if err := tx.Send(ctx, batch); err != nil {
		return nil, nil, fmt.Errorf("find finished answers: %w", err)
	}
	deleted, err = deleteRows(ctx, tx, finished, []deletion{
		{table: "former_wamid", sql: `
			DELETE FROM former_wamid USING answer_part AS part WHERE part.answer_id = ANY ($1) AND part.id = former_wamid.part_id`},
		{table: "answer_part", sql: `DELETE FROM answer_part WHERE answer_id = ANY ($1)`},
		{table: "message", sql: `DELETE FROM message WHERE answer_id = ANY ($1)`},
		{table: "answer", sql: `DELETE FROM answer WHERE id = ANY ($1)`},
	})
	return last, deleted, err
}

// personSweep deletes persons without messages and answers, unless they opted out
// or the assistant is paused for them.
type personSweep struct{ maxAge time.Duration }

// isUnused is the condition for deleting a person.
const isUnused = `
	opted_out_at IS NULL AND coalesce(paused_until < now(), true)
	AND NOT EXISTS (SELECT FROM answer WHERE answer.person_id = person.id)
	AND NOT EXISTS (SELECT FROM message WHERE message.person_id = person.id AND answer_id IS NULL)`

// page searches before it takes the lock of all persons, because every webhook
// waits for that lock, and checks again after it, because an answer may have been
// stored. A webhook that comes after the deletion stores the person anew.
func (s personSweep) page(ctx context.Context, tx *postgres.Tx, after any) (last any, deleted retention.Deleted, err error) {
	var unused []int64
	search := &pgx.Batch{}
	search.Queue(`
		WITH page AS (
			SELECT id, created_at FROM person WHERE id > $1 ORDER BY id LIMIT 1000
		), expired AS (
			SELECT id FROM page WHERE created_at < now() - $2::interval
		), unused AS (
			SELECT id FROM person WHERE id = ANY (ARRAY(SELECT id FROM expired)) AND `+isUnused+`
		)
		SELECT (SELECT max(id) FROM expired), coalesce(array_agg(id), '{}') FROM unused`,
		after, s.maxAge,
	).QueryRow(func(row pgx.Row) error { return row.Scan(&last, &unused) })
	if err := tx.Send(ctx, search); err != nil {
		return nil, nil, fmt.Errorf("find unused persons: %w", err)
	}
	if len(unused) == 0 {
		return last, nil, nil
	}
	lock := &pgx.Batch{}
	lockPersonsExclusive.queue(lock)
	lock.Queue(`
		SELECT coalesce(array_agg(id), '{}')
		FROM (SELECT id FROM person WHERE id = ANY ($1) ORDER BY id FOR UPDATE SKIP LOCKED) AS locked`, unused,
	).QueryRow(func(row pgx.Row) error { return row.Scan(&unused) })
	if err := tx.Send(ctx, lock); err != nil {
		return nil, nil, fmt.Errorf("lock unused persons: %w", err)
	}
	deleted, err = deleteRows(ctx, tx, unused, []deletion{
		{table: "person", sql: `DELETE FROM person WHERE id = ANY ($1) AND ` + isUnused},
	})
	return last, deleted, err
}

// deletion deletes the rows of one table that belong to the ids in $1.
type deletion struct{ table, sql string }

func deleteRows(ctx context.Context, tx *postgres.Tx, ids []int64, deletions []deletion) (retention.Deleted, error) {
	deleted := make(retention.Deleted)
	if len(ids) == 0 {
		return deleted, nil
	}
	batch := &pgx.Batch{}
	for _, d := range deletions {
		batch.Queue(d.sql, ids).Exec(func(tag pgconn.CommandTag) error {
			deleted[d.table] = tag.RowsAffected()
			return nil
		})
	}
	if err := tx.Send(ctx, batch); err != nil {
		return nil, fmt.Errorf("delete rows: %w", err)
	}
	return deleted, nil
}
