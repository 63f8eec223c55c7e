package repository

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/service/whatsapp"
)

// ofLate is true of a message that may still be changed, of which only the wamid
// is told: each hour has wamids in a place of its own. People may change a message
// for two days and a half, Meta tries to tell of it for a week, and its clock may
// be ahead of ours. A change that finds nothing is kept, and applied to a message
// that waits, whatever its hour.
const ofLate = `sent_hour = ANY (ARRAY(
	SELECT date_bin('1 hour', now(), 'epoch') - n * interval '1 hour' FROM generate_series(-24, 10 * 24) AS n
) || timestamptz 'epoch')`

// changeMessages applies what their senders changed about messages. What is
// told of a message that we do not have yet is kept for it.
func changeMessages(ctx context.Context, tx *pipeline, edits []whatsapp.Edit, revokes []string) error {
	if len(edits)+len(revokes) == 0 {
		return nil
	}
	batch, changed := &pgx.Batch{}, append([]string{}, revokes...)
	for _, edit := range edits {
		changed = append(changed, edit.WAMID)
		batch.Queue(`UPDATE message SET body = $2 WHERE wamid = $1 AND `+ofLate+` AND NOT revoked`, edit.WAMID, edit.Text.Reveal())
		keepChange(batch, edit.WAMID, edit.Text.Reveal(), false)
	}
	for _, wamid := range revokes {
		batch.Queue(`UPDATE message SET revoked = true, body = '', media_id = '', media_name = '' WHERE wamid = $1 AND `+ofLate, wamid)
		keepChange(batch, wamid, "", true)
	}
	correctSaid(batch, changed)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("store a change of a message: %w", err)
	}
	return nil
}

func keepChange(batch *pgx.Batch, wamid, body string, revoked bool) {
	batch.Queue(`
		INSERT INTO early_change (wamid, body, revoked)
		SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM message WHERE wamid = $1 AND `+ofLate+`)
		ON CONFLICT (wamid) DO UPDATE SET body = excluded.body, revoked = excluded.revoked
		WHERE NOT early_change.revoked`, wamid, body, revoked)
}

// correctSaid lets the answers to changed messages say what these say now. They
// are locked by a statement of its own, so that the next one sees what others
// changed about messages of the same answers.
func correctSaid(batch *pgx.Batch, changed []string) {
	const theirs = `id IN (SELECT answer_id FROM message WHERE wamid = ANY ($1) AND ` + ofLate + `)`
	batch.Queue(`SELECT FROM answer WHERE `+theirs+` ORDER BY id FOR UPDATE`, changed)
	batch.Queue(`UPDATE answer SET said = (SELECT `+saidIn+` FROM message WHERE answer_id = answer.id) WHERE `+theirs, changed)
}

// takeUpChanges applies what came before a person's messages did. It is done
// when they are about to be answered and not when they are stored, because a
// change may be stored at the same moment as its message, and neither
// transaction would see the other's row.
func takeUpChanges(ctx context.Context, pool *pgxpool.Pool, personID int64) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := pool.Exec(ctx, `
		WITH early AS (
			DELETE FROM early_change USING message
			WHERE message.person_id = $1 AND message.answer_id IS NULL AND early_change.wamid = message.wamid
			RETURNING message.id, early_change.body, early_change.revoked
		)
		UPDATE message
		SET body     = CASE WHEN message.revoked THEN message.body ELSE early.body END,
		    media_id = CASE WHEN early.revoked THEN '' ELSE message.media_id END,
		    media_name = CASE WHEN early.revoked THEN '' ELSE message.media_name END,
		    revoked  = message.revoked OR early.revoked
		FROM early
		WHERE message.id = early.id`, personID)
	return translate(err)
}
