package repository

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/service/whatsapp"
)

// Inbox stores what webhooks tell and queues the work that follows.
type Inbox struct {
	pool     *pgxpool.Pool
	together groupCommit[whatsapp.Batch, struct{}]
	alone    groupCommit[whatsapp.Batch, struct{}] // what may make one person of two
}

// NewInbox makes an Inbox.
func NewInbox(pool *pgxpool.Pool) *Inbox {
	i := &Inbox{pool: pool}
	i.together.commit, i.together.weight = i.storeTogether, weight
	i.alone.commit, i.alone.weight = i.storeAlone, weight
	return i
}

// Store commits the batch and a reply for every person who wrote something
// new or whose pending send was settled. Batches that are stored at the same
// time share a commit. The few that have to be alone wait for it by themselves.
func (i *Inbox) Store(ctx context.Context, batch whatsapp.Batch) error {
	err := errNotAlone
	if len(batch.Renames) == 0 {
		_, err = i.together.do(ctx, batch)
	}
	if errors.Is(err, errNotAlone) {
		_, err = i.alone.do(ctx, batch)
	}
	if unstorable(err) {
		return fmt.Errorf("%w: %w", whatsapp.ErrUnstorable, err)
	}
	return err
}

func (i *Inbox) storeTogether(ctx context.Context, batches []whatsapp.Batch) ([]struct{}, error) {
	return i.store(ctx, batches, false)
}

func (i *Inbox) storeAlone(ctx context.Context, batches []whatsapp.Batch) ([]struct{}, error) {
	return i.store(ctx, batches, true)
}

// store takes two round trips where everybody is known: one looks them up, and
// one writes.
func (i *Inbox) store(ctx context.Context, batches []whatsapp.Batch, alone bool) ([]struct{}, error) {
	batch := merge(batches)
	err := inPipeline(ctx, i.pool, alone, func(ctx context.Context, tx *pipeline) error {
		people, err := resolvePeople(ctx, tx, senders(batch.Messages))
		if err != nil {
			return err
		}
		items := &pgx.Batch{}
		queueItems(items, batch, people)
		if !eventful(batch) {
			return tx.commit(ctx, items)
		}
		if err := tx.SendBatch(ctx, items).Close(); err != nil {
			return err
		}
		wake, err := storeEvents(ctx, tx, batch)
		if err != nil {
			return err
		}
		last := &pgx.Batch{}
		queueReplies(last, wake)
		return tx.commit(ctx, last)
	})
	if err != nil {
		return nil, fmt.Errorf("store webhooks: %w", err)
	}
	return make([]struct{}, len(batches)), nil
}

// queueItems writes what webhooks are full of, and a reply for whoever it
// leaves something to do for.
func queueItems(statements *pgx.Batch, batch whatsapp.Batch, people []int64) {
	if len(batch.Messages) > 0 {
		insertMessages(statements, batch.Messages, people)
		verifyNumbers(statements, batch.Messages)
	}
	if statuses := latest(batch.Statuses); len(statuses) > 0 {
		applyStatuses(statements, statuses)
	}
	if len(batch.Kept) > 0 {
		insertKept(statements, batch.Kept)
	}
}

func senders(messages []whatsapp.Message) []whatsapp.Identity {
	who := make([]whatsapp.Identity, len(messages))
	for k, m := range messages {
		who[k] = m.Sender
	}
	return who
}

func insertMessages(statements *pgx.Batch, messages []whatsapp.Message, people []int64) {
	n := len(messages)
	wamids, numbers, kinds, bodies := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	files, types, sums, names := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	quotes := make([]string, n)
	sent, hours := make([]time.Time, n), make([]time.Time, n)
	for k, m := range messages {
		wamids[k], numbers[k], kinds[k], bodies[k], sent[k] = m.WAMID, m.PhoneNumberID, m.Kind, m.Text.Reveal(), m.SentAt
		files[k], types[k], sums[k], names[k] = m.Media.ID, m.Media.MIMEType, m.Media.SHA256, m.Media.Name.Reveal()
		quotes[k], hours[k] = m.Quotes, m.SentHour
	}
	statements.Queue(`
		WITH due AS (
			INSERT INTO message (wamid, person_id, phone_number_id, kind, body, media_id, media_type, media_sha256, media_name, quotes, sent_at, sent_hour)
			SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[],
			                     $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[])
			ON CONFLICT (sent_hour, wamid) DO NOTHING
			RETURNING person_id
		)`+queueDue,
		wamids, people, numbers, kinds, bodies, files, types, sums, names, quotes, sent, hours)
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
