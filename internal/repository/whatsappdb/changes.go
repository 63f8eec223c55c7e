package whatsappdb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository/postgres"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

// recentHours limits a lookup by wamid to the hours in which a message can still
// be changed, because the unique index leads with sent_hour. Its parameters are
// $2, whatsapp.ChangePeriod, and $3, whatsapp.ClockSkew. A change that finds no
// message becomes a pending change, which is applied to an unanswered message of
// any hour.
const recentHours = `sent_hour = ANY (ARRAY(
	SELECT generate_series(date_bin('1 hour', now() - $2::interval, 'epoch'), now() + $3::interval, '1 hour')
) || timestamptz 'epoch')`

// storeChanges applies edits and revocations.
func storeChanges(ctx context.Context, tx *personsTx, edits []webhook.Edit, revokes []string) error {
	if len(edits)+len(revokes) == 0 {
		return nil
	}
	batch, changed := &pgx.Batch{}, append([]string{}, revokes...)
	for _, edit := range edits {
		changed = append(changed, edit.WAMID)
		queueEdit(batch, edit)
	}
	for _, wamid := range revokes {
		queueRevoke(batch, wamid)
	}
	queueUpdateQuestions(batch, changed)
	if err := tx.Send(ctx, batch); err != nil {
		return fmt.Errorf("store changes of messages: %w", err)
	}
	return nil
}

func queueEdit(batch *pgx.Batch, edit webhook.Edit) {
	batch.Queue(`
		UPDATE message SET body = $4 WHERE wamid = $1 AND `+recentHours+` AND NOT revoked`,
		edit.WAMID, whatsapp.ChangePeriod, whatsapp.ClockSkew, edit.Text.Reveal())
	queuePendingChange(batch, edit.WAMID, edit.Text.Reveal(), false)
}

func queueRevoke(batch *pgx.Batch, wamid string) {
	batch.Queue(`
		UPDATE message SET revoked = true, body = '', media_id = '', media_name = '' WHERE wamid = $1 AND `+recentHours,
		wamid, whatsapp.ChangePeriod, whatsapp.ClockSkew)
	queuePendingChange(batch, wamid, "", true)
}

// queuePendingChange stores a change whose message has not arrived. A revocation
// is final.
func queuePendingChange(batch *pgx.Batch, wamid, body string, revoked bool) {
	batch.Queue(`
		INSERT INTO pending_change (wamid, body, revoked)
		SELECT $1, $4, $5 WHERE NOT EXISTS (SELECT FROM message WHERE wamid = $1 AND `+recentHours+`)
		ON CONFLICT (wamid) DO UPDATE SET body = excluded.body, revoked = excluded.revoked
		WHERE NOT pending_change.revoked`,
		wamid, whatsapp.ChangePeriod, whatsapp.ClockSkew, body, revoked)
}

// queueUpdateQuestions updates answer.question for the answers to changed
// messages. A statement of its own locks these answers first, so that the update
// sees what other transactions changed about messages of the same answers.
func queueUpdateQuestions(batch *pgx.Batch, wamids []string) {
	batch.Queue(`
		SELECT FROM answer
		WHERE id IN (SELECT answer_id FROM message WHERE wamid = ANY ($1) AND `+recentHours+`)
		ORDER BY id FOR UPDATE`, wamids, whatsapp.ChangePeriod, whatsapp.ClockSkew)
	batch.Queue(`
		UPDATE answer
		SET question = (
			SELECT coalesce(string_agg(nullif(body, ''), E'\n' ORDER BY least(sent_at, received_at), id), '')
			FROM message WHERE answer_id = answer.id)
		WHERE id IN (SELECT answer_id FROM message WHERE wamid = ANY ($1) AND `+recentHours+`)`,
		wamids, whatsapp.ChangePeriod, whatsapp.ClockSkew)
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
			DELETE FROM pending_change USING message
			WHERE message.person_id = $1 AND message.answer_id IS NULL AND pending_change.wamid = message.wamid
			RETURNING message.id, pending_change.body, pending_change.revoked
		)
		UPDATE message
		SET body       = CASE WHEN message.revoked THEN message.body ELSE pending.body END,
		    media_id   = CASE WHEN pending.revoked THEN '' ELSE message.media_id END,
		    media_name = CASE WHEN pending.revoked THEN '' ELSE message.media_name END,
		    revoked    = message.revoked OR pending.revoked
		FROM pending
		WHERE message.id = pending.id`, personID)
	return postgres.Translate(err)
}
