package whatsappdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository/groupcommit"
	"aisha/internal/repository/postgres"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

// Inbox stores webhooks. It implements whatsapp.Inbox.
type Inbox struct {
	pool *pgxpool.Pool
	// Batches that take long are committed apart from the others: the few that need
	// the exclusive lock of all persons, and those with many events.
	shared     *groupcommit.Batcher[webhook.Batch, struct{}]
	manyEvents *groupcommit.Batcher[webhook.Batch, struct{}]
	exclusive  *groupcommit.Batcher[webhook.Batch, struct{}]
}

// NewInbox returns an Inbox.
func NewInbox(pool *pgxpool.Pool) *Inbox {
	i := &Inbox{pool: pool}
	options := groupcommit.Options[webhook.Batch]{Weight: weight}
	newBatcher := func(mode personsLock) *groupcommit.Batcher[webhook.Batch, struct{}] {
		return groupcommit.New(func(ctx context.Context, batches []webhook.Batch) ([]struct{}, error) {
			return i.storeAll(ctx, batches, mode)
		}, options)
	}
	i.shared, i.manyEvents, i.exclusive = newBatcher(lockPersonsShared), newBatcher(lockPersonsShared), newBatcher(lockPersonsExclusive)
	return i
}

// Store implements whatsapp.Inbox. Concurrent calls share a commit.
func (i *Inbox) Store(ctx context.Context, batch webhook.Batch) error {
	err := errNeedsExclusiveLock
	switch {
	case len(batch.IdentityChanges) > 0:
	case countEvents(batch) > manyEvents:
		_, err = i.manyEvents.Do(ctx, batch)
	default:
		_, err = i.shared.Do(ctx, batch)
	}
	if errors.Is(err, errNeedsExclusiveLock) {
		_, err = i.exclusive.Do(ctx, batch)
	}
	if postgres.IsUnstorable(err) || errors.Is(err, groupcommit.ErrPanic) {
		return fmt.Errorf("%w: %w", whatsapp.ErrUnstorable, err)
	}
	return err
}

// storeAll takes two round trips where all persons are known: one looks them up
// and one stores everything.
func (i *Inbox) storeAll(ctx context.Context, batches []webhook.Batch, mode personsLock) ([]struct{}, error) {
	all := mergeBatches(batches)
	err := inPersonsTx(ctx, i.pool, mode, func(ctx context.Context, tx *personsTx) error {
		personIDs, err := resolveSightings(ctx, tx, senders(all.Messages))
		if err != nil {
			return err
		}
		messages, personIDs, formerOwners := separateFormerOwners(all.Messages, personIDs)
		batch := &pgx.Batch{}
		if len(messages) > 0 {
			queueMessages(batch, messages, personIDs)
		}
		if statuses := latestStatuses(all.Statuses); len(statuses) > 0 {
			queueStatuses(batch, statuses)
		}
		if unhandled := slices.Concat(all.Unhandled, formerOwners); len(unhandled) > 0 {
			queueUnhandled(batch, unhandled)
		}
		if countEvents(all) == 0 {
			return tx.Commit(ctx, batch)
		}
		if err := tx.Send(ctx, batch); err != nil {
			return err
		}
		personIDs, err = storeEvents(ctx, tx, all)
		if err != nil {
			return err
		}
		last := &pgx.Batch{}
		last.Queue(`SELECT queue_answers($1)`, personIDs)
		return tx.Commit(ctx, last)
	})
	if err != nil {
		return nil, fmt.Errorf("store webhooks: %w", err)
	}
	return make([]struct{}, len(batches)), nil
}

// separateFormerOwners returns the messages whose sender is known, with the ids of
// their persons, and the others as unhandled items: a former owner of a number sent
// them, and an answer would go to the new owner.
func separateFormerOwners(messages []webhook.Message, personIDs []int64) ([]webhook.Message, []int64, []webhook.UnhandledItem) {
	if !slices.Contains(personIDs, 0) { // nearly always
		return messages, personIDs, nil
	}
	var known []webhook.Message
	var knownIDs []int64
	var unhandled []webhook.UnhandledItem
	for i, m := range messages {
		if personIDs[i] == 0 {
			unhandled = append(unhandled, ofFormerOwner("messages", m.Raw))
			continue
		}
		known, knownIDs = append(known, m), append(knownIDs, personIDs[i])
	}
	return known, knownIDs, unhandled
}

func senders(messages []webhook.Message) []sighting {
	sightings := make([]sighting, len(messages))
	for i, m := range messages {
		sightings[i] = sighting{Identity: m.Sender, at: m.SentAt}
	}
	return sightings
}

// queueMessages stores the messages that are new and queues an answer for each
// of their senders.
func queueMessages(batch *pgx.Batch, messages []webhook.Message, personIDs []int64) {
	n := len(messages)
	wamids, numbers, types, bodies := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	mediaIDs, mediaTypes, hashes, names := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	quoted := make([]string, n)
	sentAt, sentHours := make([]time.Time, n), make([]time.Time, n)
	for i, m := range messages {
		wamids[i], numbers[i], types[i], bodies[i] = m.WAMID, m.PhoneNumberID, m.Type, m.Text.Reveal()
		mediaIDs[i], mediaTypes[i], hashes[i], names[i] = m.Media.ID, m.Media.MIMEType, m.Media.SHA256, m.Media.Filename.Reveal()
		quoted[i], sentAt[i], sentHours[i] = m.QuotedWAMID, m.SentAt, m.SentHour
	}
	// The parameters are columns, in the order of the INSERT.
	batch.Queue(`
		WITH stored AS (
			INSERT INTO message (wamid, person_id, phone_number_id, type, body, media_id, media_type, media_sha256, media_name,
			                     quoted_wamid, sent_at, sent_hour)
			SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
			                     $10::text[], $11::timestamptz[], $12::timestamptz[])
			ON CONFLICT (sent_hour, wamid) DO NOTHING
			RETURNING person_id
		)
		SELECT queue_answers(array_agg(person_id)) FROM stored`,
		wamids, personIDs, numbers, types, bodies, mediaIDs, mediaTypes, hashes, names, quoted, sentAt, sentHours)
}
