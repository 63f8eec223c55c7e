package whatsappdb

import (
	"context"
	"fmt"

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

// storeEcho pauses the assistant for a person from the time of the echo, unless the echo is of a part that
// we sent. Such an echo may arrive before the response to the send, which brings
// the wamid: then the text shows that the part is meant.
func storeEcho(ctx context.Context, tx *personsTx, echo webhook.Echo) error {
	ids, err := resolveSightings(ctx, tx, []sighting{{Identity: echo.To, at: echo.SentAt}})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE person SET paused_until = greatest(paused_until, least($6, now()) + $2::interval)
		WHERE id = $1
		  AND NOT EXISTS (SELECT FROM former_wamid JOIN answer_part AS part ON part.id = part_id WHERE former_wamid.wamid = $3 AND person_id = $1)
		  AND NOT EXISTS (
		          SELECT FROM (SELECT id FROM answer WHERE person_id = $1 ORDER BY created_at DESC LIMIT $5) AS recent
		          JOIN answer_part AS part ON part.answer_id = recent.id
		          WHERE part.wamid = $3 OR part.wamid IS NULL AND attempts > 0 AND part.body = $4)`,
		ids[0], echo.Pause, echo.WAMID, echo.Text.Reveal(), whatsapp.StatusLookback, echo.SentAt)
	if err != nil {
		return fmt.Errorf("pause the assistant for a person: %w", err)
	}
	return nil
}
