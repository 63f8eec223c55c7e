package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"aisha/internal/service/whatsapp"
)

// muted is how long a person who seems to be a machine gets no answer.
const muted = time.Hour

// SaveAnswer stores an answer with its parts and its effect, marks its messages
// and returns the parts as they are stored.
func (c *Conversations) SaveAnswer(ctx context.Context, answer whatsapp.Answer) ([]whatsapp.Part, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	parts, err := saveAnswer(ctx, c.pool, answer)
	if err != nil {
		return nil, fmt.Errorf("store an answer: %w", translate(err))
	}
	return parts, nil
}

// saveAnswer stores everything in one statement, or nothing where one of the
// messages has an answer already. Where the send of the first part is to begin,
// and neither the gate of the number nor the person's quota holds it back, it
// begins with it, as BeginSend would have it.
func saveAnswer(ctx context.Context, tx querier, answer whatsapp.Answer) ([]whatsapp.Part, error) {
	parts, columns, err := newParts(answer)
	if err != nil {
		return nil, err
	}
	effect, messages := answer.Effect, append([]int64{}, answer.MessageIDs...) // none is not NULL
	var saved, begun bool
	err = tx.QueryRow(ctx, `
		WITH waiting AS (
			SELECT id FROM message WHERE id = ANY ($7::bigint[]) AND answer_id IS NULL ORDER BY id FOR UPDATE
		), answer AS (
			INSERT INTO answer (person_id, phone_number_id, body, model, prompt_tokens, response_tokens)
			SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT count(*) FROM waiting) = cardinality($7)
			RETURNING id
		), begun AS (
			SELECT FROM answer, person
			WHERE $19 AND person.id = $1 AND coalesce(quota_full_at - $20::interval <= now(), true)
			  AND NOT EXISTS (SELECT FROM sending_gate WHERE phone_number_id = $2)
		), parts AS (
			INSERT INTO part (id, answer_id, person_id, body, reply_to, button, position, delivery, attempts, attempted_at)
			SELECT part.id, answer.id, $1, part.body, reply_to, button, ordinality - 1,
			       CASE WHEN first THEN 'sending'::delivery ELSE 'unsent' END, first::int, CASE WHEN first THEN now() END
			FROM answer, unnest($8::uuid[], $9::text[], $10::text[], $11::text[])
			             WITH ORDINALITY AS part (id, body, reply_to, button, ordinality),
			     LATERAL (SELECT ordinality = 1 AND EXISTS (SELECT FROM begun) AS first) AS send
		), answered AS (
			UPDATE message SET answer_id = answer.id FROM answer WHERE message.id = ANY ($7)
		), affected AS (
			UPDATE person
			SET opted_out_at = CASE WHEN $12 THEN now() WHEN $13 THEN NULL ELSE opted_out_at END,
			    hinted_at    = CASE WHEN $14 THEN now() ELSE hinted_at END,
			    invited_at   = CASE WHEN $15 THEN now() ELSE invited_at END,
			    paused_until = CASE WHEN $16 THEN greatest(paused_until, now() + $17::interval) ELSE paused_until END,
			    quota_full_at = CASE WHEN EXISTS (SELECT FROM begun) THEN greatest(quota_full_at, now()) + $21::interval ELSE quota_full_at END
			FROM answer
			WHERE person.id = $1 AND ($18 OR EXISTS (SELECT FROM begun))
		)
		SELECT EXISTS (SELECT FROM answer), EXISTS (SELECT FROM begun)`,
		answer.PersonID, answer.PhoneNumberID, answer.Words.Body.Reveal(),
		answer.Words.Model, answer.Words.PromptTokens, answer.Words.ResponseTokens, messages,
		columns.ids, columns.bodies, columns.replies, columns.buttons,
		effect == whatsapp.OptOut, effect == whatsapp.OptIn, effect == whatsapp.Hint, effect == whatsapp.Invite,
		effect == whatsapp.Mute, muted, effect != whatsapp.NoEffect,
		answer.Begin && len(parts) > 0, (personBurst-1)*personEvery, personEvery,
	).Scan(&saved, &begun)
	if err != nil {
		return nil, err
	}
	if !saved {
		return nil, whatsapp.ErrOvertaken
	}
	if begun {
		parts[0].Delivery, parts[0].Attempts = whatsapp.Sending, 1
	}
	return parts, nil
}

// partColumns are the parts of an answer, column by column.
type partColumns struct {
	ids                      []uuid.UUID
	bodies, replies, buttons []string
}

// newParts gives the parts their ids. These grow with time, so that new parts
// stand together in the index.
func newParts(answer whatsapp.Answer) ([]whatsapp.Part, partColumns, error) {
	var parts []whatsapp.Part
	var columns partColumns
	for _, part := range answer.Parts {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, partColumns{}, fmt.Errorf("make the id of a part: %w", err)
		}
		parts = append(parts, whatsapp.Part{
			ID: id.String(), PhoneNumberID: answer.PhoneNumberID,
			Body: part.Body, ReplyTo: part.ReplyTo, Button: part.Button, Delivery: whatsapp.Unsent,
		})
		columns.ids, columns.bodies = append(columns.ids, id), append(columns.bodies, part.Body.Reveal())
		columns.replies, columns.buttons = append(columns.replies, part.ReplyTo), append(columns.buttons, part.Button)
	}
	return parts, columns, nil
}
