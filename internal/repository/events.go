package repository

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aisha/internal/service/whatsapp"
)

// storeEvents applies what a webhook tells besides messages and statuses, and
// returns the persons for whom there is something to do. These events are
// rare; each costs a statement or two of its own.
func storeEvents(ctx context.Context, tx *pipeline, batch whatsapp.Batch) ([]int64, error) {
	if err := changeMessages(ctx, tx, batch.Edits, batch.Revokes); err != nil {
		return nil, err
	}
	for _, echo := range batch.Echoes {
		id, err := ensurePerson(ctx, tx, echo.To)
		if err != nil {
			return nil, err
		}
		_, err = tx.Exec(ctx, `
			UPDATE person SET paused_until = greatest(paused_until, now() + $2) WHERE id = $1`, id, echo.Pause)
		if err != nil {
			return nil, fmt.Errorf("pause for a person: %w", err)
		}
	}
	var wake []int64
	for _, rename := range batch.Renames {
		ids, err := renamePerson(ctx, tx, rename)
		if err != nil {
			return nil, err
		}
		wake = append(wake, ids...)
	}
	for _, preference := range batch.Preferences {
		ids, err := storePreference(ctx, tx, preference)
		if err != nil {
			return nil, err
		}
		wake = append(wake, ids...)
	}
	return wake, nil
}

// storePreference opts a person out or in. Opting out is confirmed once: the
// confirmation is an answer without messages.
func storePreference(ctx context.Context, tx *pipeline, preference whatsapp.Preference) ([]int64, error) {
	id, err := ensurePerson(ctx, tx, preference.Who)
	if err != nil {
		return nil, err
	}
	sql := `UPDATE person SET opted_out_at = NULL WHERE id = $1 AND opted_out_at IS NOT NULL`
	if preference.Stop {
		sql = `UPDATE person SET opted_out_at = now() WHERE id = $1 AND opted_out_at IS NULL`
	}
	tag, err := tx.Exec(ctx, sql, id)
	if err != nil {
		return nil, fmt.Errorf("store a preference: %w", err)
	}
	if tag.RowsAffected() == 0 || preference.Confirmation.IsZero() || preference.PhoneNumberID == "" {
		return nil, nil
	}
	answer, _, err := prepare(whatsapp.Answer{
		PersonID:      id,
		PhoneNumberID: preference.PhoneNumberID,
		Words:         whatsapp.Words{Body: preference.Confirmation},
		Parts:         []whatsapp.OutgoingPart{{Body: preference.Confirmation}},
	})
	if err != nil {
		return nil, err
	}
	statements := &pgx.Batch{}
	queueAnswer(statements, answer, &savedAnswer{})
	return []int64{id}, tx.SendBatch(ctx, statements).Close()
}

// renamePerson gives a person another name. Whoever has the new user id is the
// same person; whoever has the new number is so too, unless they have a user id
// of their own: then the number has changed hands.
func renamePerson(ctx context.Context, tx *pipeline, rename whatsapp.Rename) ([]int64, error) {
	known, err := findPeople(ctx, tx, []whatsapp.Identity{rename.From, rename.To})
	if err != nil {
		return nil, err
	}
	from, found := known.find(rename.From)
	if !found {
		return nil, nil // nobody we talked to
	}
	if same, ok := known.byUserID[rename.To.UserID]; ok && same.id != from.id {
		known.forget(same)
		if err := mergePeople(ctx, tx, from.id, same.id); err != nil {
			return nil, err
		}
	}
	if other, ok := known.other(from, rename.To); ok {
		if err := known.settle(ctx, tx, from, other); err != nil {
			return nil, err
		}
	}
	_, err = tx.Exec(ctx, `
		UPDATE person SET user_id = coalesce(nullif($2, ''), user_id), phone = coalesce(nullif($3, ''), phone) WHERE id = $1`,
		from.id, rename.To.UserID, rename.To.Phone.Reveal())
	if err != nil {
		return nil, fmt.Errorf("rename a person: %w", err)
	}
	return []int64{from.id}, nil
}

// mergePeople moves everything of the one person to the other, whose jobs have
// it from now on. Who works for the one at this moment finds their messages
// answered by nobody but the other: each message and part is taken only once.
func mergePeople(ctx context.Context, tx *pipeline, keep, gone int64) error {
	batch := &pgx.Batch{}
	batch.Queue(`SELECT FROM person WHERE id = ANY ($1) ORDER BY id FOR UPDATE`, []int64{keep, gone})
	batch.Queue(`UPDATE message SET person_id = $1 WHERE person_id = $2 AND answer_id IS NULL`, keep, gone)
	batch.Queue(`UPDATE message SET person_id = $1 WHERE answer_id IN (SELECT id FROM answer WHERE person_id = $2)`, keep, gone)
	batch.Queue(`UPDATE part SET person_id = $1 WHERE answer_id IN (SELECT id FROM answer WHERE person_id = $2)`, keep, gone)
	batch.Queue(`UPDATE answer SET person_id = $1 WHERE person_id = $2`, keep, gone)
	batch.Queue(`
		WITH other AS (DELETE FROM person WHERE id = $2 RETURNING *)
		UPDATE person
		SET user_id      = coalesce(person.user_id, other.user_id),
		    phone        = coalesce(person.phone, other.phone),
		    opted_out_at = coalesce(person.opted_out_at, other.opted_out_at),
		    paused_until = greatest(person.paused_until, other.paused_until)
		FROM other
		WHERE person.id = $1`, keep, gone)
	queueReplies(batch, []int64{keep})
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("merge two persons: %w", err)
	}
	return nil
}

// ensurePerson returns a person's id and stores them where they are new.
func ensurePerson(ctx context.Context, tx *pipeline, who whatsapp.Identity) (int64, error) {
	ids, err := resolvePeople(ctx, tx, []whatsapp.Identity{who})
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// verifyNumbers marks the entries of the waiting list whose owners write,
// because Meta vouches for their numbers.
func verifyNumbers(statements *pgx.Batch, messages []whatsapp.Message) {
	numbers := make([]string, 0, len(messages))
	for _, m := range messages {
		if !m.Sender.Phone.IsZero() {
			numbers = append(numbers, "+"+m.Sender.Phone.Reveal())
		}
	}
	statements.Queue(`
		UPDATE waiting_list SET verified_at = now() WHERE phone_number = ANY ($1) AND verified_at IS NULL`, numbers)
}
