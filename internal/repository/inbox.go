package repository

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"aisha/internal/job"
	"aisha/internal/service/whatsapp"
)

// Inbox stores what webhooks tell and queues the work that follows.
type Inbox struct {
	pool  *pgxpool.Pool
	queue *river.Client[pgx.Tx]
}

// NewInbox makes an Inbox. Its queue client only inserts.
func NewInbox(pool *pgxpool.Pool) (*Inbox, error) {
	queue, err := river.NewClient(riverpgxv5.New(pool), &river.Config{})
	if err != nil {
		return nil, fmt.Errorf("open the queue for inserts: %w", err)
	}
	return &Inbox{pool: pool, queue: queue}, nil
}

// Store commits the batch and a reply for every person who wrote something
// new or whose pending send was settled.
func (i *Inbox) Store(ctx context.Context, batch whatsapp.Batch) error {
	return inTx(ctx, i.pool, func(ctx context.Context, tx pgx.Tx) error {
		people, err := resolvePeople(ctx, tx, batch.Messages)
		if err != nil {
			return err
		}
		wake, err := storeItems(ctx, tx, batch, people)
		if err != nil {
			return err
		}
		return i.queueReplies(ctx, tx, wake)
	})
}

// storeItems writes everything in the batch in one round trip and returns the
// persons for whom there is something to do.
func storeItems(ctx context.Context, tx pgx.Tx, batch whatsapp.Batch, people []int64) ([]int64, error) {
	var wake []int64
	collect := func(rows pgx.Rows) error {
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		wake = append(wake, ids...)
		return err
	}
	statements := &pgx.Batch{}
	if len(batch.Messages) > 0 {
		insertMessages(statements, batch.Messages, people).Query(collect)
	}
	if statuses := latest(batch.Statuses); len(statuses) > 0 {
		applyStatuses(statements, statuses).Query(collect)
	}
	if len(batch.Kept) > 0 {
		insertKept(statements, batch.Kept)
	}
	if err := tx.SendBatch(ctx, statements).Close(); err != nil {
		return nil, fmt.Errorf("store a webhook: %w", err)
	}
	slices.Sort(wake)
	return slices.Compact(wake), nil
}

func insertMessages(statements *pgx.Batch, messages []whatsapp.Message, people []int64) *pgx.QueuedQuery {
	n := len(messages)
	wamids, numbers, kinds, bodies := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	sent := make([]time.Time, n)
	for k, m := range messages {
		wamids[k], numbers[k], kinds[k], bodies[k], sent[k] = m.WAMID, m.PhoneNumberID, m.Kind, m.Text.Reveal(), m.SentAt
	}
	return statements.Queue(`
		INSERT INTO message (wamid, person_id, phone_number_id, kind, body, sent_at)
		SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
		ON CONFLICT (wamid) DO NOTHING
		RETURNING person_id`,
		wamids, people, numbers, kinds, bodies, sent)
}

// applyStatuses moves parts forward. A part is found by our own id, which came
// back with the status; Meta's id is learned on the way, for the case that the
// status is faster than the answer to the send. Rows are locked in the order of
// their ids, so that two webhooks about the same parts cannot deadlock.
func applyStatuses(statements *pgx.Batch, statuses []whatsapp.Status) *pgx.QueuedQuery {
	n := len(statuses)
	ids, wamids, deliveries, codes := make([]*uuid.UUID, n), make([]string, n), make([]string, n), make([]*int, n)
	for k, s := range statuses {
		ids[k] = partID(s.Callback)
		wamids[k], deliveries[k] = s.WAMID, string(s.Delivery)
		if s.ErrorCode != 0 {
			codes[k] = &s.ErrorCode
		}
	}
	return statements.Queue(`
		WITH told AS (
			SELECT * FROM unnest($1::uuid[], $2::text[], $3::delivery[], $4::int[]) AS t (id, wamid, delivery, code)
		), known AS (
			SELECT part.id, told.wamid, told.delivery, told.code, part.delivery = 'sending' AS pending
			FROM told JOIN part ON part.id = told.id OR part.wamid = told.wamid
			ORDER BY part.id
			FOR UPDATE OF part
		), moved AS (
			UPDATE part
			SET delivery   = GREATEST(part.delivery, known.delivery),
			    wamid      = COALESCE(part.wamid, known.wamid),
			    error_code = COALESCE(known.code, part.error_code)
			FROM known
			WHERE part.id = known.id
			RETURNING part.person_id, known.pending
		)
		SELECT person_id FROM moved WHERE pending`,
		ids, wamids, deliveries, codes)
}

// latest keeps one status for each message, the one that is furthest forward.
func latest(statuses []whatsapp.Status) []whatsapp.Status {
	rank := []whatsapp.Delivery{whatsapp.Sent, whatsapp.Failed, whatsapp.Delivered, whatsapp.Read}
	furthest := make(map[string]int, len(statuses))
	var kept []whatsapp.Status
	for _, s := range statuses {
		at, seen := furthest[s.WAMID]
		if !seen {
			furthest[s.WAMID] = len(kept)
			kept = append(kept, s)
			continue
		}
		if slices.Index(rank, s.Delivery) > slices.Index(rank, kept[at].Delivery) {
			kept[at] = s
		}
	}
	return kept
}

// partID reads our id from a status; nil where it is not one of ours.
func partID(callback string) *uuid.UUID {
	id, err := uuid.Parse(callback)
	if err != nil {
		return nil
	}
	return &id
}

func insertKept(statements *pgx.Batch, items []whatsapp.Kept) {
	fields, reasons, raws := make([]string, len(items)), make([]string, len(items)), make([][]byte, len(items))
	for k, item := range items {
		fields[k], reasons[k], raws[k] = item.Field, item.Reason, item.Raw
	}
	statements.Queue(`
		INSERT INTO kept_item (field, reason, raw)
		SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[])`,
		fields, reasons, raws)
}

func (i *Inbox) queueReplies(ctx context.Context, tx pgx.Tx, people []int64) error {
	if len(people) == 0 {
		return nil
	}
	replies := make([]river.InsertManyParams, len(people))
	for k, id := range people {
		replies[k] = river.InsertManyParams{Args: job.Reply{PersonID: id}}
	}
	if _, err := i.queue.InsertManyFastTx(ctx, tx, replies); err != nil {
		return fmt.Errorf("queue replies: %w", err)
	}
	return nil
}
