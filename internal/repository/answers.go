package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"aisha/internal/service/whatsapp"
)

// muted is how long a person who seems to be a machine gets no answer.
const muted = time.Hour

// SaveAnswer stores an answer with its parts and its effect, marks its messages
// and returns the parts as they are stored. Answers that are stored at the same
// time share a commit.
func (c *Conversations) SaveAnswer(ctx context.Context, answer whatsapp.Answer) ([]whatsapp.Part, error) {
	prepared, parts, err := prepare(answer)
	if err != nil {
		return nil, err
	}
	saved, err := c.saves.do(ctx, prepared)
	switch {
	case err != nil:
		return nil, fmt.Errorf("store an answer: %w", err)
	case !saved.all:
		return nil, whatsapp.ErrOvertaken
	case saved.begun:
		parts[0].Delivery, parts[0].Attempts = whatsapp.Sending, 1
	}
	return parts, nil
}

// preparedAnswer is an answer whose parts have their ids, column by column.
type preparedAnswer struct {
	whatsapp.Answer
	ids                      []uuid.UUID
	bodies, replies, buttons []string
}

// prepare gives the parts their ids. These grow with time, so that new parts
// stand together in the index.
func prepare(answer whatsapp.Answer) (preparedAnswer, []whatsapp.Part, error) {
	prepared := preparedAnswer{Answer: answer}
	var parts []whatsapp.Part
	for _, part := range answer.Parts {
		id, err := uuid.NewV7()
		if err != nil {
			return preparedAnswer{}, nil, fmt.Errorf("make the id of a part: %w", err)
		}
		parts = append(parts, whatsapp.Part{
			ID: id.String(), PhoneNumberID: answer.PhoneNumberID,
			Body: part.Body, ReplyTo: part.ReplyTo, Button: part.Button, Delivery: whatsapp.Unsent,
		})
		prepared.ids, prepared.bodies = append(prepared.ids, id), append(prepared.bodies, part.Body.Reveal())
		prepared.replies, prepared.buttons = append(prepared.replies, part.ReplyTo), append(prepared.buttons, part.Button)
	}
	return prepared, parts, nil
}

// savedAnswer is what became of it.
type savedAnswer struct {
	all   bool // is stored; else nothing of it, because one of the messages has an answer already
	begun bool // has the send of the first part
}

// saidIn is what messages say, as an answer keeps it: in the order in which they
// were sent.
const saidIn = `coalesce(string_agg(nullif(body, ''), E'\n' ORDER BY least(sent_at, received_at), id), '')`

// queueAnswer stores everything in one statement. Where the send of the first
// part is to begin, and neither the gate of the number nor the person's quota
// holds it back, it begins with it, as BeginSend would have it.
func queueAnswer(statements *pgx.Batch, answer preparedAnswer, saved *savedAnswer) {
	effect, messages := answer.Effect, append([]int64{}, answer.MessageIDs...) // none is not NULL
	statements.Queue(`
		WITH waiting AS (
			SELECT id, body, sent_at, received_at FROM message
			WHERE person_id = $1 AND answer_id IS NULL AND id = ANY ($7::bigint[])
			ORDER BY id FOR UPDATE
		), answer AS (
			INSERT INTO answer (person_id, phone_number_id, said, body, model, prompt_tokens, response_tokens)
			SELECT $1, $2, `+saidIn+`, $3, $4, $5, $6 FROM waiting HAVING count(*) = cardinality($7)
			RETURNING id
		), begun AS (
			SELECT FROM answer
			WHERE $19 AND NOT EXISTS (SELECT FROM quota WHERE person_id = $1 AND full_at - $20::interval > now())
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
			    paused_until = CASE WHEN $16 THEN greatest(paused_until, now() + $17::interval) ELSE paused_until END
			FROM answer
			WHERE $18 AND person.id = $1
		), counted AS (
			INSERT INTO quota (person_id, full_at)
			SELECT $1, now() + $21::interval FROM begun`+countInQuota+`
		)
		SELECT EXISTS (SELECT FROM answer), EXISTS (SELECT FROM begun)`,
		answer.PersonID, answer.PhoneNumberID, answer.Words.Body.Reveal(),
		answer.Words.Model, answer.Words.PromptTokens, answer.Words.ResponseTokens, messages,
		answer.ids, answer.bodies, answer.replies, answer.buttons,
		effect == whatsapp.OptOut, effect == whatsapp.OptIn, effect == whatsapp.Hint, effect == whatsapp.Invite,
		effect == whatsapp.Mute, muted, effect != whatsapp.NoEffect,
		answer.Begin && len(answer.ids) > 0, (personBurst-1)*personEvery, personEvery,
	).QueryRow(func(row pgx.Row) error { return row.Scan(&saved.all, &saved.begun) })
}
