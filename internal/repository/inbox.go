package repository

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"aisha/internal/job"
	"aisha/internal/service/whatsapp"
)

// Inbox stores what webhooks tell and queues the work that follows.
type Inbox struct {
	pool   *pgxpool.Pool
	queue  *river.Client[pgx.Tx]
	stores groupCommit[whatsapp.Batch, struct{}]
}

// NewInbox makes an Inbox. Its queue client only inserts.
func NewInbox(pool *pgxpool.Pool) (*Inbox, error) {
	queue, err := river.NewClient(riverpgxv5.New(pool), &river.Config{})
	if err != nil {
		return nil, fmt.Errorf("open the queue for inserts: %w", err)
	}
	i := &Inbox{pool: pool, queue: queue}
	i.stores.commit, i.stores.weight = i.store, weight
	return i, nil
}

// Store commits the batch and a reply for every person who wrote something
// new or whose pending send was settled. Batches that are stored at the same
// time share a commit.
func (i *Inbox) Store(ctx context.Context, batch whatsapp.Batch) error {
	_, err := i.stores.do(ctx, batch)
	return err
}

func (i *Inbox) store(ctx context.Context, batches []whatsapp.Batch) ([]struct{}, error) {
	batch := merge(batches)
	err := inTx(ctx, i.pool, func(ctx context.Context, tx pgx.Tx) error {
		people, err := resolvePeople(ctx, tx, senders(batch.Messages))
		if err != nil {
			return err
		}
		wake, err := storeItems(ctx, tx, batch, people)
		if err != nil {
			return err
		}
		more, err := storeEvents(ctx, tx, batch)
		if err != nil {
			return err
		}
		return i.queueReplies(ctx, tx, append(wake, more...))
	})
	return make([]struct{}, len(batches)), err
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
		verifyNumbers(statements, batch.Messages)
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

func senders(messages []whatsapp.Message) []whatsapp.Identity {
	who := make([]whatsapp.Identity, len(messages))
	for k, m := range messages {
		who[k] = m.Sender
	}
	return who
}

func insertMessages(statements *pgx.Batch, messages []whatsapp.Message, people []int64) *pgx.QueuedQuery {
	n := len(messages)
	wamids, numbers, kinds, bodies := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	files, types, sums, quotes := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	sent := make([]time.Time, n)
	for k, m := range messages {
		wamids[k], numbers[k], kinds[k], bodies[k], sent[k] = m.WAMID, m.PhoneNumberID, m.Kind, m.Text.Reveal(), m.SentAt
		files[k], types[k], sums[k], quotes[k] = m.Media.ID, m.Media.MIMEType, m.Media.SHA256, m.Quotes
	}
	return statements.Queue(`
		INSERT INTO message (wamid, person_id, phone_number_id, kind, body, media_id, media_type, media_sha256, quotes, sent_at)
		SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[],
		                     $6::text[], $7::text[], $8::text[], $9::text[], $10::timestamptz[])
		ON CONFLICT (wamid) DO NOTHING
		RETURNING person_id`,
		wamids, people, numbers, kinds, bodies, files, types, sums, quotes, sent)
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
