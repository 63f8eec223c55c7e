package waitlistdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/operator"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/service/waitlist"
)

// Transitions changes the statuses of entries. It implements
// waitlist.TransitionStore.
type Transitions struct {
	pool  *pgxpool.Pool
	reads *pgxpool.Pool
}

// NewTransitions returns a Transitions. reads is a pool for lists.
func NewTransitions(pool, reads *pgxpool.Pool) *Transitions {
	return &Transitions{pool: pool, reads: reads}
}

// Change implements waitlist.TransitionStore.
func (t *Transitions) Change(ctx context.Context, id int64, change waitlist.StatusChange) (entry waitlist.Entry, changed bool, err error) {
	db := postgres.On(ctx, t.pool)
	done, err := changeAndRecord(ctx, db, []int64{id}, change)
	if err != nil {
		return waitlist.Entry{}, false, err
	}
	rows, err := db.Query(ctx, `SELECT `+entryColumns+` FROM `+entryTables+` WHERE entry.id = $1`, id)
	if err == nil {
		entry, err = pgx.CollectExactlyOneRow(rows, scanEntry)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return entry, false, noEntry()
	}
	return entry, len(done) == 1, postgres.Translate(err)
}

// changeAndRecord changes the statuses of entries on behalf of the operator of ctx,
// and adds each change to the audit. db is a transaction.
func changeAndRecord(ctx context.Context, db postgres.Querier, ids []int64, change waitlist.StatusChange) ([]changedStatus, error) {
	done, err := changeStatuses(ctx, db, ids, change, operator.ActionOf(ctx).Caller.Name)
	if err != nil || len(done) == 0 {
		return done, err
	}
	events := make([]operator.Event, len(done))
	for i, entry := range done {
		events[i] = operator.Event{
			Action: change.AuditAction(entry.from), Subject: "entry", SubjectID: entry.id,
			Details: map[string]any{"from": entry.from, "to": change.To},
		}
	}
	return done, operatordb.Record(ctx, db, events...)
}

// changedStatus is an entry whose status was changed.
type changedStatus struct {
	id   int64
	from waitlist.Status
}

// changeStatuses changes the status of those entries that have one of change.From,
// in one statement, and adds the changes to their history. It returns the entries
// that it has changed, in the order of their ids.
//
// The statement locks the entries and then checks their status again, so that of
// several transactions one makes the change. An entry that returns from removed gets a
// new rank, behind all entries there are; several get theirs in the order of their ids.
func changeStatuses(ctx context.Context, db postgres.Querier, ids []int64, change waitlist.StatusChange, actor string) ([]changedStatus, error) {
	var done []changedStatus
	batch := &pgx.Batch{}
	batch.Queue(`SELECT pg_advisory_xact_lock_shared($1, 0)`, postgres.LockCounts)
	batch.Queue(`
		WITH locked AS (
		    SELECT id, status AS from_status
		    FROM waitlist_entry
		    WHERE id = ANY (@ids) AND status = ANY (@from::text[]::waitlist_status[])
		    ORDER BY id
		    FOR NO KEY UPDATE
		), ranked AS MATERIALIZED (
		    SELECT id, from_status,
		           CASE WHEN from_status = 'removed' AND @to::text = 'waiting' THEN nextval('waitlist_rank_seq') END AS rank_seq
		    FROM locked
		), changed AS (
		    UPDATE waitlist_entry AS entry
		    SET status = @to::text::waitlist_status,
		        invited_at = CASE @to::text WHEN 'invited' THEN now() WHEN 'waiting' THEN NULL ELSE invited_at END,
		        joined_at = CASE @to::text WHEN 'joined' THEN now() WHEN 'waiting' THEN NULL ELSE joined_at END,
		        removed_at = CASE @to::text WHEN 'removed' THEN now() WHEN 'waiting' THEN NULL ELSE removed_at END,
		        rank_seq = coalesce(ranked.rank_seq, entry.rank_seq),
		        rank_id = CASE WHEN ranked.rank_seq IS NULL THEN entry.rank_id
		                       ELSE (SELECT last_value FROM waitlist_entry_id_seq) END
		    FROM ranked
		    WHERE entry.id = ranked.id
		    RETURNING entry.id, from_status
		), events AS (
		    INSERT INTO waitlist_event (entry_id, from_status, to_status, actor, reason)
		    SELECT id, from_status, @to::text::waitlist_status, @actor, nullif(@reason, '')
		    FROM changed
		)
		SELECT id, from_status::text FROM changed ORDER BY id`,
		pgx.NamedArgs{"ids": ids, "from": change.From, "to": change.To, "actor": actor, "reason": change.Reason.Reveal()},
	).Query(func(rows pgx.Rows) (err error) {
		done, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c changedStatus, err error) {
			err = row.Scan(&c.id, &c.from)
			return c, err
		})
		return err
	})
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("change the status of entries: %w", postgres.Translate(err))
	}
	return done, nil
}
