package whatsappdb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aisha/internal/service/whatsapp"
)

// releaseNumber takes the number from owner, because writer uses it now.
//
//   - An owner without a user id is the same person, and is merged, where the
//     writer has no number until now: some webhooks named them by their user id
//     and others by their number.
//   - An owner without a user id is another person where the writer has another
//     number until now. See retirePerson.
//   - An owner with a user id keeps everything but the number. What they still get
//     is sent to their user id.
func releaseNumber(ctx context.Context, tx *personsTx, known personIndex, writer, owner person) error {
	switch {
	case owner.bsuid != "":
		return removeNumber(ctx, tx, known, owner)
	case writer.waID == "":
		known.remove(owner)
		return mergePersons(ctx, tx, writer.id, owner.id)
	default:
		known.remove(owner)
		return retirePerson(ctx, tx, owner.id)
	}
}

// removeNumber sets the number of a person to NULL. Their user id still identifies
// them.
func removeNumber(ctx context.Context, tx *personsTx, known personIndex, owner person) error {
	known.remove(owner)
	if _, err := tx.Exec(ctx, `UPDATE person SET wa_id = NULL WHERE id = $1`, owner.id); err != nil {
		return fmt.Errorf("remove the number of a person: %w", err)
	}
	owner.waID = ""
	known.add(owner)
	return nil
}

// retirePerson sets the number of a person without a user id to NULL, because the
// number belongs to another person now. The row keeps its messages and answers, and
// nothing identifies it any more. Its open parts are given up, and its unanswered
// messages count as answered.
func retirePerson(ctx context.Context, tx *personsTx, personID int64) error {
	var unanswered []int64
	read := &pgx.Batch{}
	read.Queue(`SELECT id FROM message WHERE person_id = $1 AND answer_id IS NULL ORDER BY id FOR UPDATE`, personID).
		Query(func(rows pgx.Rows) (err error) {
			unanswered, err = pgx.CollectRows(rows, pgx.RowTo[int64])
			return err
		})
	read.Queue(`
		UPDATE person SET wa_id = NULL, opted_out_at = NULL, choice_at = NULL, paused_until = NULL WHERE id = $1`, personID)
	if err := tx.Send(ctx, read); err != nil {
		return fmt.Errorf("remove the number of a person: %w", err)
	}
	rest := &pgx.Batch{}
	queueGiveUpParts(rest, []int64{personID}, errorNumberMoved)
	if len(unanswered) > 0 {
		rows, err := newAnswerRows(whatsapp.Answer{PersonID: personID, MessageIDs: unanswered})
		if err != nil {
			return err
		}
		queueAnswer(rest, rows, &savedAnswer{})
	}
	if err := tx.Send(ctx, rest); err != nil {
		return fmt.Errorf("give up what a person was to get: %w", err)
	}
	return nil
}

// mergePersons moves everything from one person to another and deletes the first
// one. Of the choices that the two made, the newest counts; see
// whatsapp.Choice.Replaces. A worker that answers the deleted person at this moment
// cannot answer twice: SaveAnswer and BeginSend check the person and the state of
// each row.
func mergePersons(ctx context.Context, tx *personsTx, into, from int64) error {
	batch := &pgx.Batch{}
	batch.Queue(`SELECT FROM person WHERE id = ANY ($1) ORDER BY id FOR UPDATE`, []int64{into, from})
	batch.Queue(`UPDATE message SET person_id = $1 WHERE person_id = $2 AND answer_id IS NULL`, into, from)
	batch.Queue(`UPDATE message SET person_id = $1 WHERE answer_id IN (SELECT id FROM answer WHERE person_id = $2)`, into, from)
	batch.Queue(`UPDATE answer_part SET person_id = $1 WHERE answer_id IN (SELECT id FROM answer WHERE person_id = $2)`, into, from)
	batch.Queue(`UPDATE answer SET person_id = $1 WHERE person_id = $2`, into, from)
	batch.Queue(`
		WITH other AS (
			DELETE FROM person WHERE id = $2
			RETURNING *, coalesce(choice_at, opted_out_at) AS chosen_at
		), choice AS (
			SELECT opted_out_at, chosen_at
			FROM (SELECT opted_out_at, coalesce(choice_at, opted_out_at) AS chosen_at FROM person WHERE id = $1
			      UNION ALL
			      SELECT opted_out_at, chosen_at FROM other) AS choices
			ORDER BY date_trunc('second', chosen_at) DESC NULLS LAST, opted_out_at NULLS LAST
			LIMIT 1
		)
		UPDATE person
		SET bsuid           = coalesce(person.bsuid, other.bsuid),
		    wa_id           = coalesce(person.wa_id, other.wa_id),
		    name            = coalesce(nullif(person.name, ''), other.name),
		    number_since    = CASE WHEN person.wa_id IS NULL THEN coalesce(other.number_since, other.created_at) ELSE person.number_since END,
		    opted_out_at    = choice.opted_out_at,
		    choice_at       = choice.chosen_at,
		    paused_until    = greatest(person.paused_until, other.paused_until),
		    hinted_at       = greatest(person.hinted_at, other.hinted_at),
		    join_offered_at = greatest(person.join_offered_at, other.join_offered_at)
		FROM other, choice
		WHERE person.id = $1`, into, from)
	batch.Queue(`SELECT queue_answers(ARRAY[$1::bigint])`, into)
	if err := tx.Send(ctx, batch); err != nil {
		return fmt.Errorf("merge two persons: %w", err)
	}
	return nil
}
