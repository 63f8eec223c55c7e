package waitlistdb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"aisha/internal/fault"
	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// maxHistory limits how many events, referrals and consents of an entry are returned.
// The newest ones are.
const maxHistory = 1000

// Get implements waitlist.EntryStore. It reads from the primary server, so that an
// operator sees the entry as they have just changed it.
func (m *ManagedEntries) Get(ctx context.Context, id int64, expansions []waitlist.Expansion) (waitlist.Details, error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()

	var details waitlist.Details
	batch := &pgx.Batch{}
	batch.Queue(`SELECT `+entryColumns+` FROM `+entryTables+` WHERE entry.id = $1`, id).Query(func(rows pgx.Rows) (err error) {
		details.Entry, err = pgx.CollectExactlyOneRow(rows, scanEntry)
		return err
	})
	for _, expansion := range expansions {
		queueExpansion(batch, id, expansion, &details)
	}
	err := postgres.On(ctx, m.pool).SendBatch(ctx, batch).Close()
	if errors.Is(err, pgx.ErrNoRows) {
		return details, noEntry()
	}
	if err != nil {
		return details, fmt.Errorf("read an entry: %w", postgres.Translate(err))
	}
	return details, nil
}

func noEntry() error { return fault.New(fault.NotFound, "there is no entry with this id") }

// queueExpansion reads one of the expansions, in the order of time. It does nothing for
// waitlist.ExpandPosition.
func queueExpansion(batch *pgx.Batch, id int64, expansion waitlist.Expansion, details *waitlist.Details) {
	switch expansion {
	case waitlist.ExpandEvents:
		batch.Queue(`
			SELECT at, from_status, to_status, actor, reason
			FROM waitlist_event
			WHERE entry_id = $1
			ORDER BY id DESC
			LIMIT $2`, id, maxHistory).Query(collect(&details.Events, scanEvent))
	case waitlist.ExpandReferrals:
		batch.Queue(`
			SELECT referee_id, state, created_at
			FROM referral
			WHERE referrer_id = $1
			ORDER BY referee_id DESC
			LIMIT $2`, id, maxHistory).Query(collect(&details.Referees, pgx.RowToStructByPos[waitlist.Referee]))
	case waitlist.ExpandConsents:
		batch.Queue(`
			SELECT purpose, given, text_version, channel, at
			FROM consent
			WHERE entry_id = $1
			ORDER BY id DESC
			LIMIT $2`, id, maxHistory).Query(collect(&details.Consents, pgx.RowToStructByPos[waitlist.ConsentRecord]))
	case waitlist.ExpandConversation:
		queueConversation(batch, id, details)
	case waitlist.ExpandPosition:
	}
}

// collect reads rows, the last one first.
func collect[T any](into *[]T, scan pgx.RowToFunc[T]) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, scan)
		slices.Reverse(*into)
		return err
	}
}

func scanEvent(row pgx.CollectableRow) (e waitlist.EntryEvent, err error) {
	var reason *string
	err = row.Scan(&e.At, &e.From, &e.To, &e.Actor, &reason)
	e.Reason = asText(reason)
	return e, err
}

// queueConversation reads the newest messages and answers of the person with the
// entry's number. A message that was answered is older than its answer, so only the
// messages of the newest answers can be among the newest, and those without an answer.
func queueConversation(batch *pgx.Batch, id int64, details *waitlist.Details) {
	batch.Queue(`
		WITH owner AS MATERIALIZED (
		    SELECT person.id
		    FROM waitlist_entry AS entry JOIN person ON wa_id = ltrim(entry.phone_number, '+')
		    WHERE entry.id = $1
		), answered AS MATERIALIZED (
		    SELECT id, created_at, body
		    FROM answer
		    WHERE person_id = (SELECT id FROM owner)
		    ORDER BY created_at DESC
		    LIMIT $2
		), asked AS (
		    SELECT id, sent_at, type, body, revoked FROM message WHERE answer_id IN (SELECT id FROM answered)
		    UNION ALL
		    (SELECT id, sent_at, type, body, revoked
		     FROM message
		     WHERE person_id = (SELECT id FROM owner) AND answer_id IS NULL
		     ORDER BY id DESC
		     LIMIT $2)
		)
		SELECT at, is_answer, text
		FROM (SELECT id, created_at AS at, true AS is_answer, body AS text FROM answered WHERE body <> ''
		      UNION ALL
		      SELECT id, sent_at, false,
		             CASE WHEN revoked THEN '[deleted]' WHEN body = '' THEN '[' || type || ']' ELSE body END
		      FROM asked) AS conversation
		ORDER BY at DESC, is_answer DESC, id DESC
		LIMIT $2`, id, waitlist.MaxConversation,
	).Query(collect(&details.Conversation, func(row pgx.CollectableRow) (t waitlist.ConversationText, err error) {
		var text string
		err = row.Scan(&t.At, &t.IsAnswer, &text)
		t.Text = sensitive.NewText(text)
		return t, err
	}))
}
