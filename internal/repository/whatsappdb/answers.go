package whatsappdb

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"aisha/internal/service/whatsapp"
)

// SaveAnswer implements whatsapp.Conversations. Concurrent calls share a commit.
func (c *Conversations) SaveAnswer(ctx context.Context, answer whatsapp.Answer) ([]whatsapp.AnswerPart, error) {
	rows, err := newAnswerRows(answer)
	if err != nil {
		return nil, err
	}
	saved, err := c.saves.Do(ctx, rows)
	switch {
	case err != nil:
		return nil, fmt.Errorf("store an answer: %w", err)
	case !saved.stored:
		return nil, whatsapp.ErrAlreadyDone
	}
	return rows.parts(saved), nil
}

// answerRows is an answer with its parts as columns.
type answerRows struct {
	whatsapp.Answer
	partIDs                 []uuid.UUID
	bodies, quoted, buttons []string
	confirmsOptOut          bool // the parts are sent although the person opted out
}

// newAnswerRows gives the parts their ids, which grow with time, so that new
// parts are next to each other in the index.
func newAnswerRows(answer whatsapp.Answer) (answerRows, error) {
	rows := answerRows{Answer: answer}
	for _, part := range answer.Parts {
		id, err := uuid.NewV7()
		if err != nil {
			return answerRows{}, fmt.Errorf("make the id of a part: %w", err)
		}
		rows.partIDs = append(rows.partIDs, id)
		rows.bodies = append(rows.bodies, part.Body.Reveal())
		rows.quoted = append(rows.quoted, part.QuotedWAMID)
		rows.buttons = append(rows.buttons, part.Button)
	}
	return rows, nil
}

// parts returns the parts as they are stored.
func (r *answerRows) parts(saved savedAnswer) []whatsapp.AnswerPart {
	var parts []whatsapp.AnswerPart
	for i, part := range r.Parts {
		parts = append(parts, whatsapp.AnswerPart{
			ID:            r.partIDs[i].String(),
			PhoneNumberID: r.PhoneNumberID,
			Body:          part.Body,
			QuotedWAMID:   part.QuotedWAMID,
			Button:        part.Button,
			Delivery:      whatsapp.Unsent,
		})
	}
	if saved.sendBegan {
		parts[0].Delivery, parts[0].Attempts = whatsapp.Sending, 1
	}
	return parts
}

// savedAnswer is the result of queueAnswer.
type savedAnswer struct {
	stored    bool // false: nothing is stored, because one of the messages has an answer already
	sendBegan bool // of the first part
}

// queueAnswer stores everything in one statement. It begins the send of the
// first part where the answer asks for it and BeginSend would begin it too: neither
// a send hold nor the person's quota delays it, and the person has neither opted
// out nor another phone number now.
func queueAnswer(batch *pgx.Batch, answer answerRows, saved *savedAnswer) {
	messageIDs := append([]int64{}, answer.MessageIDs...) // nil would be NULL
	batch.Queue(`
		-- $1 person_id        $5 prompt_tokens     $9  part bodies        $13 begin the send
		-- $2 phone_number_id  $6 response_tokens   $10 quoted wamids      $14 interval of a person's whole burst but one
		-- $3 body             $7 message ids       $11 buttons            $15 interval of one message
		-- $4 model            $8 part ids          $12 effect             $16 duration of a mute
		-- $17 wa_id of the recipient               $18 confirms an opt-out
		WITH answered AS (
			SELECT id, body, sent_at, received_at FROM message
			WHERE person_id = $1 AND answer_id IS NULL AND id = ANY ($7::bigint[])
			ORDER BY id FOR UPDATE
		), answer AS (
			INSERT INTO answer (person_id, phone_number_id, question, body, model, prompt_tokens, response_tokens)
			SELECT $1, $2, coalesce(string_agg(nullif(body, ''), E'\n' ORDER BY least(sent_at, received_at), id), ''), $3, $4, $5, $6
			FROM answered
			HAVING count(*) = cardinality($7)
			RETURNING id
		), begun AS (
			SELECT FROM answer
			WHERE $13 AND EXISTS (
			          SELECT FROM person
			          WHERE id = $1 AND opted_out_at IS NULL AND coalesce(wa_id, '') = $17)
			  AND NOT EXISTS (SELECT FROM person_send_quota WHERE person_id = $1 AND replenished_at - $14::interval > now())
			  AND NOT EXISTS (SELECT FROM send_hold WHERE phone_number_id = $2)
		), parts AS (
			INSERT INTO answer_part (id, answer_id, person_id, body, quoted_wamid, button, confirms_opt_out, position, delivery, attempts, attempted_at)
			SELECT part.id, answer.id, $1, part.body, quoted_wamid, button, $18, ordinality - 1,
			       CASE WHEN begins THEN 'sending'::delivery ELSE 'unsent' END, begins::int, CASE WHEN begins THEN now() END
			FROM answer,
			     unnest($8::uuid[], $9::text[], $10::text[], $11::text[])
			             WITH ORDINALITY AS part (id, body, quoted_wamid, button, ordinality),
			     LATERAL (SELECT ordinality = 1 AND EXISTS (SELECT FROM begun) AS begins) AS first
		), marked AS (
			UPDATE message SET answer_id = answer.id FROM answer WHERE message.id = ANY ($7)
		), affected AS (
			UPDATE person
			SET hinted_at       = CASE $12::text WHEN 'hint' THEN now() ELSE hinted_at END,
			    join_offered_at = CASE $12::text WHEN 'offer_join' THEN now() ELSE join_offered_at END,
			    paused_until    = CASE $12::text WHEN 'mute' THEN greatest(paused_until, now() + $16::interval) ELSE paused_until END
			FROM answer
			WHERE $12::text <> '' AND person.id = $1
		), counted AS (
			INSERT INTO person_send_quota (person_id, replenished_at)
			SELECT $1, now() + $15::interval FROM begun
			ON CONFLICT (person_id) DO UPDATE
			SET replenished_at = greatest(person_send_quota.replenished_at, now()) + $15::interval
		)
		SELECT EXISTS (SELECT FROM answer), EXISTS (SELECT FROM begun)`,
		answer.PersonID, answer.PhoneNumberID, answer.Completion.Text.Reveal(), answer.Completion.Model,
		answer.Completion.PromptTokens, answer.Completion.ResponseTokens, messageIDs, answer.partIDs,
		answer.bodies, answer.quoted, answer.buttons, string(answer.Effect),
		answer.BeginSend && len(answer.Parts) > 0, burstButOne, whatsapp.PersonInterval, whatsapp.MuteDuration,
		answer.Recipient.WaID.Reveal(), answer.confirmsOptOut,
	).QueryRow(func(row pgx.Row) error { return row.Scan(&saved.stored, &saved.sendBegan) })
}

// burstButOne is how far in the future replenished_at may be for one more
// message.
const burstButOne = (whatsapp.PersonBurst - 1) * whatsapp.PersonInterval
