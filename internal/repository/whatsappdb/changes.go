package whatsappdb

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository/postgres"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

// recentHours limits a lookup by wamid to the hours in which a message can still
// be changed, because the unique index leads with sent_hour. Its parameters are
// $2, whatsapp.ChangePeriod, and $3, webhook.ClockSkew. A change that finds no
// message becomes a pending change, which is applied to an unanswered message of
// any hour.
const recentHours = `sent_hour = ANY (ARRAY(
	SELECT generate_series(date_bin('1 hour', now() - $2::interval, 'epoch'), now() + $3::interval, '1 hour')
) || timestamptz 'epoch')`

// isBySender is the condition that the sender of the change in the CTE or alias
// "change" is the person of the row of message. A user id decides before a number,
// because a number may have passed to another person. A change without a sender
// satisfies it.
const isBySender = `(change.bsuid = '' AND change.wa_id = '' OR EXISTS (
	SELECT FROM person
	WHERE person.id = message.person_id
	  AND CASE WHEN change.bsuid <> '' AND person.bsuid IS NOT NULL
	           THEN change.bsuid = ` + lowerBSUID + ` ELSE change.wa_id = person.wa_id END))`

// messageChange is an edit or a revocation.
type messageChange struct {
	wamid   string
	sender  webhook.Identity
	text    string // empty for a revocation
	revoked bool
}

// storeChanges applies edits and revocations.
func storeChanges(ctx context.Context, tx *personsTx, edits []webhook.Edit, revokes []webhook.Revoke) error {
	var changes []messageChange
	for _, edit := range edits {
		changes = append(changes, messageChange{wamid: edit.WAMID, sender: edit.Sender, text: edit.Text.Reveal()})
	}
	for _, revoke := range revokes {
		changes = append(changes, messageChange{wamid: revoke.WAMID, sender: revoke.Sender, revoked: true})
	}
	if len(changes) == 0 {
		return nil
	}
	var wamids []string
	batch := &pgx.Batch{}
	for _, change := range changes {
		wamids = append(wamids, change.wamid)
		queueChange(batch, change)
	}
	queueUpdateQuestions(batch, wamids)
	if err := tx.Send(ctx, batch); err != nil {
		return fmt.Errorf("store changes of messages: %w", err)
	}
	return nil
}

// queueChange changes the message, or stores a pending change where the sender has
// no such message yet. A revocation is final.
func queueChange(batch *pgx.Batch, change messageChange) {
	parameters := []any{
		change.wamid, whatsapp.ChangePeriod, webhook.ClockSkew,
		strings.ToLower(change.sender.BSUID), change.sender.WaID.Reveal(), change.text, change.revoked,
	}
	const columns = `(SELECT $4::text AS bsuid, $5::text AS wa_id, $6::text AS body, $7::boolean AS revoked) AS change`
	batch.Queue(`
		UPDATE message
		SET body       = change.body,
		    media_id   = CASE WHEN change.revoked THEN '' ELSE media_id END,
		    media_name = CASE WHEN change.revoked THEN '' ELSE media_name END,
		    revoked    = change.revoked
		FROM `+columns+`
		WHERE wamid = $1 AND `+recentHours+` AND (change.revoked OR NOT message.revoked) AND `+isBySender, parameters...)
	batch.Queue(`
		INSERT INTO pending_change (wamid, bsuid, wa_id, body, revoked)
		SELECT $1, bsuid, wa_id, body, revoked FROM `+columns+`
		WHERE NOT EXISTS (SELECT FROM message WHERE wamid = $1 AND `+recentHours+` AND `+isBySender+`)
		ON CONFLICT (wamid, bsuid, wa_id) DO UPDATE
		SET body = excluded.body, revoked = excluded.revoked, received_at = excluded.received_at
		WHERE NOT pending_change.revoked`, parameters...)
}

// queueUpdateQuestions updates answer.question for the answers to changed
// messages. A statement of its own locks these answers first, so that the update
// sees what other transactions changed about messages of the same answers.
func queueUpdateQuestions(batch *pgx.Batch, wamids []string) {
	batch.Queue(`
		SELECT FROM answer
		WHERE id IN (SELECT answer_id FROM message WHERE wamid = ANY ($1) AND `+recentHours+`)
		ORDER BY id FOR UPDATE`, wamids, whatsapp.ChangePeriod, webhook.ClockSkew)
	batch.Queue(`
		UPDATE answer
		SET question = (
			SELECT coalesce(string_agg(nullif(body, ''), E'\n' ORDER BY least(sent_at, received_at), id), '')
			FROM message WHERE answer_id = answer.id)
		WHERE id IN (SELECT answer_id FROM message WHERE wamid = ANY ($1) AND `+recentHours+`)`,
		wamids, whatsapp.ChangePeriod, webhook.ClockSkew)
}

// applyPendingChanges applies what arrived before a person's unanswered
// messages. It runs when they are about to be answered and not when they are
// stored: a change may be stored at the same moment as its message, and neither
// transaction would see the other's row.
func applyPendingChanges(ctx context.Context, pool *pgxpool.Pool, personID int64) error {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()
	_, err := pool.Exec(ctx, `
		WITH pending AS (
			DELETE FROM pending_change AS change USING message
			WHERE message.person_id = $1 AND message.answer_id IS NULL AND change.wamid = message.wamid AND `+isBySender+`
			RETURNING message.id, change.body, change.revoked, change.received_at
		), final AS (
			SELECT DISTINCT ON (id) id, body, revoked FROM pending ORDER BY id, revoked DESC, received_at DESC
		)
		UPDATE message
		SET body       = CASE WHEN message.revoked THEN message.body ELSE final.body END,
		    media_id   = CASE WHEN final.revoked THEN '' ELSE message.media_id END,
		    media_name = CASE WHEN final.revoked THEN '' ELSE message.media_name END,
		    revoked    = message.revoked OR final.revoked
		FROM final
		WHERE message.id = final.id`, personID)
	return postgres.Translate(err)
}
