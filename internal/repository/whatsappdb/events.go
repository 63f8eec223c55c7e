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
// each may cost several statements.
func storeEvents(ctx context.Context, tx *personsTx, all webhook.Batch) ([]int64, error) {
	if err := storeChanges(ctx, tx, all.Edits, all.Revokes); err != nil {
		return nil, err
	}
	if err := storeEchoes(ctx, tx, all.Echoes); err != nil {
		return nil, err
	}
	var personIDs []int64
	for _, change := range all.IdentityChanges {
		ids, err := storeIdentityChange(ctx, tx, change)
		if err != nil {
			return nil, err
		}
		personIDs = append(personIDs, ids...)
	}
	ids, err := storePreferences(ctx, tx, all.Preferences)
	return append(personIDs, ids...), err
}

// storeEchoes pauses the assistant for the receivers of the echoes. An echo to the
// former owner of a number is stored as an unhandled item.
func storeEchoes(ctx context.Context, tx *personsTx, echoes []webhook.Echo) error {
	if len(echoes) == 0 {
		return nil
	}
	sightings := make([]sighting, len(echoes))
	for i, echo := range echoes {
		sightings[i] = sighting{Identity: echo.To, at: echo.SentAt}
	}
	ids, err := resolveSightings(ctx, tx, sightings)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for i, echo := range echoes {
		if ids[i] == 0 {
			queueUnhandled(batch, []webhook.UnhandledItem{ofFormerOwner("smb_message_echoes", echo.Raw)})
			continue
		}
		queuePause(batch, ids[i], echo)
	}
	if err := tx.Send(ctx, batch); err != nil {
		return fmt.Errorf("pause the assistant for a person: %w", err)
	}
	return nil
}

// queuePause pauses the assistant for a person from the time of the echo, unless the
// echo is of a part that we sent. Such an echo may arrive before the response to the
// send, which brings the wamid: then the text shows that the part is meant.
func queuePause(batch *pgx.Batch, personID int64, echo webhook.Echo) {
	batch.Queue(`
		UPDATE person SET paused_until = greatest(paused_until, least($6, now()) + $2::interval)
		WHERE id = $1
		  AND NOT EXISTS (SELECT FROM former_wamid JOIN answer_part AS part ON part.id = part_id WHERE former_wamid.wamid = $3 AND person_id = $1)
		  AND NOT EXISTS (
		          SELECT FROM (SELECT id FROM answer WHERE person_id = $1 ORDER BY created_at DESC LIMIT $5) AS recent
		          JOIN answer_part AS part ON part.answer_id = recent.id
		          WHERE part.wamid = $3 OR part.wamid IS NULL AND attempts > 0 AND part.body = $4)`,
		personID, echo.Pause, echo.WAMID, echo.Text.Reveal(), whatsapp.StatusLookback, echo.SentAt)
}
