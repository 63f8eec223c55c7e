package whatsappdb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/service/whatsapp/webhook"
)

// storeIdentityChange gives a person their new identifiers. Another row with the
// new user id is the same person and is merged. Another row with the new number is
// the same person only where it got the number after the change; otherwise it
// is the earlier owner of the number.
func storeIdentityChange(ctx context.Context, tx *personsTx, change webhook.IdentityChange) ([]int64, error) {
	change.At = change.At.Truncate(time.Microsecond) // as PostgreSQL stores it
	known, err := findPersons(ctx, tx, []sighting{{Identity: change.From}, {Identity: change.To}})
	if err != nil {
		return nil, err
	}
	from, found := known.find(change.From)
	if found {
		since, err := readNumberSince(ctx, tx, from)
		if err != nil {
			return nil, err
		}
		byUserID := from.bsuid != "" && strings.EqualFold(from.bsuid, change.From.BSUID)
		if byUserID && !change.To.WaID.IsZero() && since.changed.After(change.At) {
			return nil, nil // the person has changed their number again
		}
		found = byUserID || !since.known.After(change.At)
	}
	if !found {
		return nil, releaseFormerOwner(ctx, tx, known, person{}, change)
	}
	if same, ok := known.withBSUID(change.To.BSUID); ok && same.id != from.id {
		known.remove(same)
		if err := mergePersons(ctx, tx, from.id, same.id); err != nil {
			return nil, err
		}
	}
	if err := releaseFormerOwner(ctx, tx, known, from, change); err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, `
		UPDATE person
		SET bsuid        = coalesce(nullif($2, ''), bsuid),
		    wa_id        = coalesce(nullif($3, ''), wa_id),
		    number_since = CASE WHEN $3 = '' THEN number_since ELSE $4 END
		WHERE id = $1`, from.id, change.To.BSUID, change.To.WaID.Reveal(), change.At)
	if err != nil {
		return nil, fmt.Errorf("change the identifiers of a person: %w", err)
	}
	return []int64{from.id}, nil
}

// releaseFormerOwner takes the new number from the row that has it, unless that is
// the row of from. From is the zero value where the person with the new number
// never wrote to us.
func releaseFormerOwner(ctx context.Context, tx *personsTx, known personIndex, from person, change webhook.IdentityChange) error {
	owner, other := known.otherOwner(from, change.To)
	if !other || owner.bsuid != "" && strings.EqualFold(owner.bsuid, change.To.BSUID) {
		return nil
	}
	since, err := readNumberSince(ctx, tx, owner)
	isSame := !since.known.Before(change.At)
	switch {
	case err != nil:
		return err
	case isSame && from.id == 0:
		return nil // the webhook was delivered before
	case owner.bsuid != "":
		return removeNumber(ctx, tx, known, owner)
	case isSame:
		return mergePersons(ctx, tx, from.id, owner.id)
	}
	if from.id != 0 {
		// The new owner wrote the messages that were sent from the number since the change.
		_, err := tx.Exec(ctx, `
			UPDATE message SET person_id = $1 WHERE person_id = $2 AND answer_id IS NULL AND sent_at >= $3`, from.id, owner.id, change.At)
		if err != nil {
			return fmt.Errorf("move the messages of a number: %w", err)
		}
	}
	return retirePerson(ctx, tx, owner.id)
}

// numberSince says since when a person has their number.
type numberSince struct {
	changed time.Time // zero: this is their first number
	known   time.Time // changed, or when the person was first seen or made a choice
}

func readNumberSince(ctx context.Context, tx *personsTx, one person) (numberSince, error) {
	var since numberSince
	batch := &pgx.Batch{}
	batch.Queue(`SELECT number_since, least(created_at, choice_at) FROM person WHERE id = $1`, one.id).
		QueryRow(func(row pgx.Row) error {
			var changed *time.Time
			err := row.Scan(&changed, &since.known)
			if changed != nil {
				since.changed, since.known = *changed, *changed
			}
			return err
		})
	if err := tx.Send(ctx, batch); err != nil {
		return numberSince{}, fmt.Errorf("read since when a person has their number: %w", err)
	}
	return since, nil
}
