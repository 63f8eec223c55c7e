package repository

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

// Conversations remembers what persons said and were answered.
type Conversations struct{ pool *pgxpool.Pool }

// NewConversations makes a Conversations.
func NewConversations(pool *pgxpool.Pool) *Conversations { return &Conversations{pool} }

// maxWaiting bounds how many messages one answer takes up. What is beyond it
// is answered next.
const maxWaiting = 100

// Due is what is left to do for a person, read in one round trip.
func (c *Conversations) Due(ctx context.Context, personID int64) (whatsapp.Due, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	var due whatsapp.Due
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT coalesce(user_id, ''), coalesce(phone, ''), name FROM person WHERE id = $1`, personID,
	).QueryRow(func(row pgx.Row) error {
		var phone, name string
		err := row.Scan(&due.Person.UserID, &phone, &name)
		due.Person.Phone, due.Person.Name = sensitive.NewPhone(phone), sensitive.NewText(name)
		return err
	})
	batch.Queue(`
		SELECT part.id::text, answer.phone_number_id, part.body, part.reply_to, part.delivery::text, part.attempts,
		       extract(epoch FROM now() - coalesce(part.attempted_at, now()))::float8
		FROM part JOIN answer ON answer.id = part.answer_id
		WHERE part.person_id = $1 AND part.delivery IN ('unsent', 'sending')
		ORDER BY part.answer_id, part.position`, personID,
	).Query(func(rows pgx.Rows) (err error) {
		due.Parts, err = pgx.CollectRows(rows, scanPart)
		return err
	})
	batch.Queue(`
		SELECT id, wamid, phone_number_id, kind, body, extract(epoch FROM now() - received_at)::float8
		FROM message
		WHERE person_id = $1 AND answer_id IS NULL
		ORDER BY id
		LIMIT $2`, personID, maxWaiting,
	).Query(func(rows pgx.Rows) (err error) {
		due.Waiting, err = pgx.CollectRows(rows, scanWaiting)
		return err
	})
	if err := c.pool.SendBatch(ctx, batch).Close(); err != nil {
		return whatsapp.Due{}, fmt.Errorf("read what is due: %w", translate(err))
	}
	return due, nil
}

func scanPart(row pgx.CollectableRow) (whatsapp.Part, error) {
	var part whatsapp.Part
	var body string
	var since float64
	err := row.Scan(&part.ID, &part.PhoneNumberID, &body, &part.ReplyTo, (*string)(&part.Delivery), &part.Attempts, &since)
	part.Body, part.Since = sensitive.NewText(body), seconds(since)
	return part, err
}

func scanWaiting(row pgx.CollectableRow) (whatsapp.Waiting, error) {
	var waiting whatsapp.Waiting
	var body string
	var age float64
	err := row.Scan(&waiting.ID, &waiting.WAMID, &waiting.PhoneNumberID, &waiting.Kind, &body, &age)
	waiting.Text, waiting.Age = sensitive.NewText(body), seconds(age)
	return waiting, err
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// History is the newest exchanges of a person, oldest first.
func (c *Conversations) History(ctx context.Context, personID int64, limit int) ([]whatsapp.Exchange, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	rows, err := c.pool.Query(ctx, `
		SELECT (SELECT coalesce(string_agg(nullif(message.body, ''), E'\n' ORDER BY message.id), '')
		        FROM message WHERE message.answer_id = answer.id),
		       answer.body
		FROM answer
		WHERE answer.person_id = $1
		ORDER BY answer.id DESC
		LIMIT $2`, personID, limit)
	if err != nil {
		return nil, fmt.Errorf("read the history: %w", translate(err))
	}
	history, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (whatsapp.Exchange, error) {
		var said, answered string
		err := row.Scan(&said, &answered)
		return whatsapp.Exchange{Said: sensitive.NewText(said), Answered: sensitive.NewText(answered)}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the history: %w", translate(err))
	}
	slices.Reverse(history)
	return history, nil
}

// SaveAnswer stores an answer with its parts and marks its messages.
func (c *Conversations) SaveAnswer(ctx context.Context, answer whatsapp.Answer) error {
	return inTx(ctx, c.pool, func(ctx context.Context, tx pgx.Tx) error {
		var id int64
		err := tx.QueryRow(ctx, `
			INSERT INTO answer (person_id, phone_number_id, body, model, prompt_tokens, response_tokens)
			VALUES ($1, $2, $3, $4, $5, $6)
			RETURNING id`,
			answer.PersonID, answer.PhoneNumberID, answer.Words.Body.Reveal(),
			answer.Words.Model, answer.Words.PromptTokens, answer.Words.ResponseTokens).Scan(&id)
		if err != nil {
			return fmt.Errorf("store an answer: %w", err)
		}
		return saveParts(ctx, tx, id, answer)
	})
}

// saveParts stores the parts and marks the messages in one round trip. It
// fails, and with it the transaction, if one of the messages has an answer.
func saveParts(ctx context.Context, tx pgx.Tx, answerID int64, answer whatsapp.Answer) error {
	bodies, replies := make([]string, len(answer.Parts)), make([]string, len(answer.Parts))
	for k, part := range answer.Parts {
		bodies[k], replies[k] = part.Body.Reveal(), part.ReplyTo
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO part (answer_id, person_id, body, reply_to, position)
		SELECT $1, $2, body, reply_to, ordinality - 1
		FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS t (body, reply_to, ordinality)`,
		answerID, answer.PersonID, bodies, replies)

	var marked int64
	update := batch.Queue(`
		UPDATE message SET answer_id = $1 WHERE id = ANY ($2) AND answer_id IS NULL`,
		answerID, answer.MessageIDs)
	update.Exec(func(tag pgconn.CommandTag) error { marked = tag.RowsAffected(); return nil })

	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("store the parts of an answer: %w", err)
	}
	if marked != int64(len(answer.MessageIDs)) {
		return whatsapp.ErrOvertaken
	}
	return nil
}
