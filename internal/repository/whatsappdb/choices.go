package whatsappdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/repository/postgres"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

// Why a part was given up without a refusal, for the operator.
const (
	errorOptedOut    = "not sent: the person opted out"
	errorNumberMoved = "not sent: the person's phone number belongs to another person now"
)

// ApplyChoice implements whatsapp.Conversations.
func (c *Conversations) ApplyChoice(ctx context.Context, choice whatsapp.Choice) error {
	err := postgres.InTx(ctx, c.pool, func(ctx context.Context, tx *postgres.Tx) error {
		return storeChoice(ctx, tx, choice)
	})
	if err != nil {
		return fmt.Errorf("apply a choice of a person: %w", err)
	}
	return nil
}

// storePreference applies the choices of persons that a webhook brings, and
// returns the persons for whom there is something to do.
func storePreference(ctx context.Context, tx *personsTx, preference webhook.Preference) ([]int64, error) {
	choice := whatsapp.Choice{
		PhoneNumberID: preference.PhoneNumberID,
		OptOut:        preference.OptOut,
		At:            preference.At,
		Confirmation:  preference.Confirmation,
	}
	if preference.WAMID != "" {
		found, err := findChoiceMessage(ctx, tx, preference, &choice)
		if err != nil || !found {
			return nil, err // not found: the webhook was delivered before, and its choice is confirmed
		}
	} else {
		ids, err := resolveSightings(ctx, tx, []sighting{{Identity: preference.Who, at: choice.At}})
		if err != nil {
			return nil, err
		}
		choice.PersonID = ids[0]
	}
	if err := storeChoice(ctx, tx.Tx, choice); err != nil {
		return nil, fmt.Errorf("store a preference: %w", err)
	}
	return []int64{choice.PersonID}, nil
}

// findChoiceMessage completes the choice by the message that made it. It reports
// false where the message has an answer already.
func findChoiceMessage(ctx context.Context, tx *personsTx, preference webhook.Preference, choice *whatsapp.Choice) (found bool, err error) {
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT id, person_id, sent_at FROM message WHERE sent_hour = $1 AND wamid = $2 AND answer_id IS NULL`,
		preference.SentHour, preference.WAMID,
	).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&choice.MessageID, &choice.PersonID, &choice.At}, func() error {
			found = true
			return nil
		})
		return err
	})
	if err := tx.Send(ctx, batch); err != nil {
		return false, fmt.Errorf("look up the message of a choice: %w", err)
	}
	return found, nil
}

// storeChoice applies a choice, unless the person made a newer one. Errors:
// whatsapp.ErrAlreadyDone where the person does not exist any more.
//
// The messages that the choice covers are locked first. An answer to them that is
// being saved is then stored before, so that the next statement sees its parts, or
// is not stored any more.
func storeChoice(ctx context.Context, tx *postgres.Tx, choice whatsapp.Choice) error {
	var covered []int64
	var optedOut bool
	var madeAt *time.Time
	lock := &pgx.Batch{}
	queueLockCovered(lock, choice, &covered)
	lock.Queue(`
		SELECT opted_out_at IS NOT NULL, coalesce(choice_at, opted_out_at) FROM person WHERE id = $1 FOR UPDATE`, choice.PersonID,
	).QueryRow(func(row pgx.Row) error { return row.Scan(&optedOut, &madeAt) })
	err := tx.Send(ctx, lock)
	if errors.Is(err, pgx.ErrNoRows) {
		return whatsapp.ErrAlreadyDone
	}
	if err != nil {
		return err
	}
	if madeAt != nil && !choice.Replaces(*madeAt) {
		return nil
	}
	update := &pgx.Batch{}
	queueUpdateChoice(update, choice)
	if optedOut == choice.OptOut {
		return tx.Send(ctx, update)
	}
	if choice.OptOut {
		queueGiveUpParts(update, choice.PersonID, errorOptedOut)
	}
	if err := queueConfirmation(update, choice, covered); err != nil {
		return err
	}
	return tx.Send(ctx, update)
}

// queueLockCovered locks the messages that the choice covers: the unanswered ones
// that were sent before it, or in the same second and stored before.
func queueLockCovered(batch *pgx.Batch, choice whatsapp.Choice, covered *[]int64) {
	lastID := choice.MessageID
	if lastID == 0 {
		lastID = math.MaxInt64
	}
	batch.Queue(`
		SELECT id FROM message
		WHERE person_id = $1 AND answer_id IS NULL AND (sent_at, id) <= ($2, $3)
		ORDER BY id FOR UPDATE`, choice.PersonID, choice.At, lastID,
	).Query(func(rows pgx.Rows) (err error) {
		*covered, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
}

func queueUpdateChoice(batch *pgx.Batch, choice whatsapp.Choice) {
	batch.Queue(`
		UPDATE person
		SET choice_at = $2, opted_out_at = CASE WHEN $3 THEN coalesce(opted_out_at, now()) END
		WHERE id = $1`, choice.PersonID, choice.At, choice.OptOut)
}

// queueGiveUpParts gives up the parts of a person that are not sent, and those
// whose send has an unknown outcome. A status may still report that such a part
// arrived.
func queueGiveUpParts(batch *pgx.Batch, personID int64, reason string) {
	batch.Queue(`
		WITH given_up AS (
			SELECT id FROM answer_part WHERE person_id = $1 AND open ORDER BY id FOR UPDATE
		)
		UPDATE answer_part SET delivery = 'failed', error = $2 FROM given_up WHERE answer_part.id = given_up.id`, personID, reason)
}

// queueConfirmation stores the confirmation of a choice as the answer to the
// messages that the choice covers.
func queueConfirmation(batch *pgx.Batch, choice whatsapp.Choice, covered []int64) error {
	confirmation := whatsapp.Answer{
		PersonID:      choice.PersonID,
		PhoneNumberID: choice.PhoneNumberID,
		MessageIDs:    covered,
	}
	if !choice.Confirmation.IsZero() && choice.PhoneNumberID != "" {
		confirmation.Completion.Text = choice.Confirmation
		confirmation.Parts = []whatsapp.NewPart{{Body: choice.Confirmation}}
	}
	if len(covered) == 0 && len(confirmation.Parts) == 0 {
		return nil
	}
	rows, err := newAnswerRows(confirmation)
	if err != nil {
		return err
	}
	rows.confirmsOptOut = choice.OptOut
	queueAnswer(batch, rows, &savedAnswer{})
	return nil
}
