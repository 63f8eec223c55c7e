package whatsappdb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

// storeEvents applies the items of a webhook that are not messages or statuses,
// and returns the persons for whom there is something to do. They are rare, so
// each may cost a statement or two.
func storeEvents(ctx context.Context, tx *personsTx, all webhook.Batch) ([]int64, error) {
	if err := storeChanges(ctx, tx, all.Edits, all.Revokes); err != nil {
		return nil, err
	}
	for _, echo := range all.Echoes {
		if err := storeEcho(ctx, tx, echo); err != nil {
			return nil, err
		}
	}
	var personIDs []int64
	for _, change := range all.IdentityChanges {
		ids, err := storeIdentityChange(ctx, tx, change)
		if err != nil {
			return nil, err
		}
		personIDs = append(personIDs, ids...)
	}
	for _, preference := range all.Preferences {
		ids, err := storePreference(ctx, tx, preference)
		if err != nil {
			return nil, err
		}
		personIDs = append(personIDs, ids...)
	}
	return personIDs, nil
}

// storeEcho pauses the assistant for a person.
func storeEcho(ctx context.Context, tx *personsTx, echo webhook.Echo) error {
	ids, err := resolvePersons(ctx, tx, []webhook.Identity{echo.To})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE person SET paused_until = greatest(paused_until, now() + $2::interval) WHERE id = $1`, ids[0], echo.Pause)
	if err != nil {
		return fmt.Errorf("pause the assistant for a person: %w", err)
	}
	return nil
}

// storePreference opts a person out or in. An opt-out is confirmed once, by an
// answer without messages.
func storePreference(ctx context.Context, tx *personsTx, preference webhook.Preference) ([]int64, error) {
	ids, err := resolvePersons(ctx, tx, []webhook.Identity{preference.Who})
	if err != nil {
		return nil, err
	}
	sql := `UPDATE person SET opted_out_at = NULL WHERE id = $1 AND opted_out_at IS NOT NULL`
	if preference.OptOut {
		sql = `UPDATE person SET opted_out_at = now() WHERE id = $1 AND opted_out_at IS NULL`
	}
	tag, err := tx.Exec(ctx, sql, ids[0])
	if err != nil {
		return nil, fmt.Errorf("store a preference: %w", err)
	}
	if tag.RowsAffected() == 0 || preference.Confirmation.IsZero() || preference.PhoneNumberID == "" {
		return nil, nil
	}
	confirmation, err := newAnswerRows(whatsapp.Answer{
		PersonID:      ids[0],
		PhoneNumberID: preference.PhoneNumberID,
		Completion:    whatsapp.Completion{Text: preference.Confirmation},
		Parts:         []whatsapp.NewPart{{Body: preference.Confirmation}},
	})
	if err != nil {
		return nil, err
	}
	batch := &pgx.Batch{}
	queueAnswer(batch, confirmation, &savedAnswer{})
	return ids, tx.Send(ctx, batch)
}

// storeIdentityChange gives a person their new identifiers. Another row with the
// new user id is the same person and is merged. Another row with the new number
// is merged too, unless it has a user id: then the number had another owner.
func storeIdentityChange(ctx context.Context, tx *personsTx, change webhook.IdentityChange) ([]int64, error) {
	known, err := findPersons(ctx, tx, []webhook.Identity{change.From, change.To})
	if err != nil {
		return nil, err
	}
	from, found := known.find(change.From)
	if !found {
		return nil, nil // never wrote to us
	}
	if same, ok := known.byBSUID[change.To.BSUID]; ok && same.id != from.id {
		known.remove(same)
		if err := mergePersons(ctx, tx, from.id, same.id); err != nil {
			return nil, err
		}
	}
	if owner, other := known.otherOwner(from, change.To); other {
		if err := releaseNumber(ctx, tx, known, from, owner); err != nil {
			return nil, err
		}
	}
	_, err = tx.Exec(ctx, `
		UPDATE person SET bsuid = coalesce(nullif($2, ''), bsuid), wa_id = coalesce(nullif($3, ''), wa_id) WHERE id = $1`,
		from.id, change.To.BSUID, change.To.WaID.Reveal())
	if err != nil {
		return nil, fmt.Errorf("change the identifiers of a person: %w", err)
	}
	return []int64{from.id}, nil
}
