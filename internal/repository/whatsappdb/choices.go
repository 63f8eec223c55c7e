package whatsappdb

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
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
		return storeChoices(ctx, tx, []whatsapp.Choice{choice})
	})
	if err != nil {
		return fmt.Errorf("apply a choice of a person: %w", err)
	}
	return nil
}

// storePreferences applies the choices of persons that webhooks bring, and returns
// the persons for whom there is something to do. The number of round trips does not
// depend on how many persons chose, because a webhook can have a thousand choices.
func storePreferences(ctx context.Context, tx *personsTx, preferences []webhook.Preference) ([]int64, error) {
	if len(preferences) == 0 {
		return nil, nil
	}
	personIDs, err := resolveChoosers(ctx, tx, preferences)
	if err != nil {
		return nil, err
	}
	choices, err := resolveChoices(ctx, tx, preferences, personIDs)
	if err != nil {
		return nil, err
	}
	var chosen []int64
	for _, choice := range choices {
		chosen = append(chosen, choice.PersonID)
	}
	for len(choices) > 0 {
		var first []whatsapp.Choice
		first, choices = firstOfEachPerson(choices)
		if err := storeChoices(ctx, tx.Tx, first); err != nil {
			return nil, fmt.Errorf("store preferences: %w", err)
		}
	}
	return chosen, nil
}

// resolveChoosers returns the id of each preference's person; 0 for a preference
// that a message made. A preference of the former owner of a number is stored as an
// unhandled item, and its id is 0.
func resolveChoosers(ctx context.Context, tx *personsTx, preferences []webhook.Preference) ([]int64, error) {
	var sightings []sighting
	var indexes []int // of the preferences
	for i, p := range preferences {
		if p.WAMID == "" {
			sightings, indexes = append(sightings, sighting{Identity: p.Who, at: p.At}), append(indexes, i)
		}
	}
	ids, err := resolveSightings(ctx, tx, sightings)
	if err != nil {
		return nil, err
	}
	personIDs := make([]int64, len(preferences))
	var unhandled []webhook.UnhandledItem
	for i, id := range ids {
		personIDs[indexes[i]] = id
		if raw := preferences[indexes[i]].Raw; id == 0 && len(raw) > 0 {
			unhandled = append(unhandled, ofFormerOwner("user_preferences", raw))
		}
	}
	if len(unhandled) == 0 {
		return personIDs, nil
	}
	batch := &pgx.Batch{}
	queueUnhandled(batch, unhandled)
	if err := tx.Send(ctx, batch); err != nil {
		return nil, fmt.Errorf("store preferences of former owners: %w", err)
	}
	return personIDs, nil
}

// resolveChoices returns the choices that the preferences are. It completes a
// choice that a message made by that message, and omits it where the message has an
// answer: then the webhook was delivered before, and the choice is confirmed. It
// also omits preferences without a person.
func resolveChoices(ctx context.Context, tx *personsTx, preferences []webhook.Preference, personIDs []int64) ([]whatsapp.Choice, error) {
	made := make([]whatsapp.Choice, len(preferences))
	var hours []time.Time
	var wamids []string
	var indexes []int // of the preferences
	for i, p := range preferences {
		made[i] = whatsapp.Choice{
			PersonID:      personIDs[i],
			PhoneNumberID: p.PhoneNumberID,
			OptOut:        p.OptOut,
			At:            p.At,
			Confirmation:  p.Confirmation,
		}
		if p.WAMID != "" {
			hours, wamids, indexes = append(hours, p.SentHour), append(wamids, p.WAMID), append(indexes, i)
		}
	}
	if len(indexes) > 0 {
		batch := &pgx.Batch{}
		batch.Queue(`
			SELECT ordinality, id, person_id, sent_at
			FROM unnest($1::timestamptz[], $2::text[]) WITH ORDINALITY AS choice (sent_hour, wamid, ordinality)
			JOIN message USING (sent_hour, wamid)
			WHERE answer_id IS NULL`, hours, wamids,
		).Query(func(rows pgx.Rows) error {
			var n, id, personID int64
			var sentAt time.Time
			_, err := pgx.ForEachRow(rows, []any{&n, &id, &personID, &sentAt}, func() error {
				choice := &made[indexes[n-1]]
				choice.MessageID, choice.PersonID, choice.At = id, personID, sentAt
				return nil
			})
			return err
		})
		if err := tx.Send(ctx, batch); err != nil {
			return nil, fmt.Errorf("look up the messages of choices: %w", err)
		}
	}
	return slices.DeleteFunc(made, func(choice whatsapp.Choice) bool { return choice.PersonID == 0 }), nil
}

// firstOfEachPerson splits the choices into the first one of each person, ordered by
// person so that all transactions lock persons in the same order, and the others in
// the order in which they were made.
func firstOfEachPerson(choices []whatsapp.Choice) (first, others []whatsapp.Choice) {
	seen := make(map[int64]bool, len(choices))
	for _, choice := range choices {
		if seen[choice.PersonID] {
			others = append(others, choice)
			continue
		}
		seen[choice.PersonID] = true
		first = append(first, choice)
	}
	slices.SortFunc(first, func(a, b whatsapp.Choice) int { return cmp.Compare(a.PersonID, b.PersonID) })
	return first, others
}

// storeChoices applies choices of different persons, each unless the person made a
// newer one. Errors: whatsapp.ErrAlreadyDone where a person does not exist any more.
//
// The messages that a choice covers are locked first. An answer to them that is
// being saved is then stored before, so that the next statement sees its parts, or
// is not stored any more.
func storeChoices(ctx context.Context, tx *postgres.Tx, choices []whatsapp.Choice) error {
	choosers, err := lockChoosers(ctx, tx, choices)
	if err != nil {
		return err
	}
	var newer []whatsapp.Choice
	var optOuts []int64 // persons
	confirmations := &pgx.Batch{}
	for _, choice := range choices {
		before, exists := choosers[choice.PersonID]
		if !exists {
			return whatsapp.ErrAlreadyDone
		}
		if before.madeAt != nil && !choice.Replaces(*before.madeAt) {
			continue
		}
		newer = append(newer, choice)
		if before.optedOut == choice.OptOut {
			continue
		}
		if choice.OptOut {
			optOuts = append(optOuts, choice.PersonID)
		}
		if err := queueConfirmation(confirmations, choice, before.covered); err != nil {
			return err
		}
	}
	if len(newer) == 0 {
		return nil
	}
	update := &pgx.Batch{}
	queueUpdateChoices(update, newer)
	if len(optOuts) > 0 {
		queueGiveUpParts(update, optOuts, errorOptedOut)
	}
	update.QueuedQueries = append(update.QueuedQueries, confirmations.QueuedQueries...)
	return tx.Send(ctx, update)
}

// chooser is the state of a person before their new choice is applied.
type chooser struct {
	covered  []int64    // ids of the messages that the choice covers
	optedOut bool       // by an earlier choice
	madeAt   *time.Time // when they made that; nil: they made none
}

// lockChoosers locks and returns the persons by their ids, after the messages that
// the choices cover, which are the unanswered ones that were sent before the choice,
// or in the same second and stored before.
func lockChoosers(ctx context.Context, tx *postgres.Tx, choices []whatsapp.Choice) (map[int64]chooser, error) {
	personIDs, madeAt, lastIDs := make([]int64, len(choices)), make([]time.Time, len(choices)), make([]int64, len(choices))
	for i, choice := range choices {
		personIDs[i], madeAt[i], lastIDs[i] = choice.PersonID, choice.At, choice.MessageID
		if choice.MessageID == 0 {
			lastIDs[i] = math.MaxInt64
		}
	}
	covered := make(map[int64][]int64)
	choosers := make(map[int64]chooser, len(choices))
	var id, personID int64
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT message.id, message.person_id
		FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[]) AS choice (person_id, made_at, last_id)
		JOIN message ON message.person_id = choice.person_id
		WHERE answer_id IS NULL AND (sent_at, message.id) <= (made_at, last_id)
		ORDER BY message.id FOR UPDATE OF message`, personIDs, madeAt, lastIDs,
	).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&id, &personID}, func() error {
			covered[personID] = append(covered[personID], id)
			return nil
		})
		return err
	})
	batch.Queue(`
		SELECT id, opted_out_at IS NOT NULL, coalesce(choice_at, opted_out_at) FROM person WHERE id = ANY ($1)
		ORDER BY id FOR UPDATE`, personIDs,
	).Query(func(rows pgx.Rows) error {
		var optedOut bool
		var madeAt *time.Time
		_, err := pgx.ForEachRow(rows, []any{&id, &optedOut, &madeAt}, func() error {
			choosers[id] = chooser{covered: covered[id], optedOut: optedOut, madeAt: madeAt}
			return nil
		})
		return err
	})
	return choosers, tx.Send(ctx, batch)
}

func queueUpdateChoices(batch *pgx.Batch, choices []whatsapp.Choice) {
	personIDs, madeAt, optOuts := make([]int64, len(choices)), make([]time.Time, len(choices)), make([]bool, len(choices))
	for i, choice := range choices {
		personIDs[i], madeAt[i], optOuts[i] = choice.PersonID, choice.At, choice.OptOut
	}
	batch.Queue(`
		UPDATE person
		SET choice_at = made_at, opted_out_at = CASE WHEN opts_out THEN coalesce(opted_out_at, now()) END
		FROM unnest($1::bigint[], $2::timestamptz[], $3::bool[]) AS choice (person_id, made_at, opts_out)
		WHERE id = person_id`, personIDs, madeAt, optOuts)
}

// queueGiveUpParts gives up the parts of persons that are not sent, and those whose
// send has an unknown outcome. A status may still report that such a part arrived.
func queueGiveUpParts(batch *pgx.Batch, personIDs []int64, reason string) {
	batch.Queue(`
		WITH given_up AS (
			SELECT id FROM answer_part WHERE person_id = ANY ($1) AND open ORDER BY id FOR UPDATE
		)
		UPDATE answer_part SET delivery = 'failed', error = $2 FROM given_up WHERE answer_part.id = given_up.id`, personIDs, reason)
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
