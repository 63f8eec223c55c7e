package repository

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

// Conversations remembers what persons said and were answered.
type Conversations struct {
	pool  *pgxpool.Pool
	dues  groupCommit[int64, foundDue]
	saves groupCommit[preparedAnswer, savedAnswer]
}

// NewConversations makes a Conversations.
func NewConversations(pool *pgxpool.Pool) *Conversations {
	c := &Conversations{pool: pool}
	c.dues.commit = inOneTrip(pool, readDue)
	c.dues.atOnce = 2 // whose history has to come from the disk does not hold up everybody
	c.saves.commit = inOneTrip(pool, queueAnswer)
	c.saves.order = func(a, b preparedAnswer) int { return cmp.Compare(a.PersonID, b.PersonID) }
	return c
}

// maxWaiting bounds how many messages one answer takes up. What is beyond it
// is answered next.
const maxWaiting = 100

// maxQuoted bounds how many answers back a message is looked for that somebody
// quotes. It is one of the last few, unless somebody has searched for it, and
// each answer before those may have to come from the disk.
const maxQuoted = 50

// Due is what is left to do for a person.
func (c *Conversations) Due(ctx context.Context, personID int64) (whatsapp.Due, error) {
	due, err := c.dues.do(ctx, personID)
	for err == nil && due.changed { // another change may come meanwhile
		if err = takeUpChanges(ctx, c.pool, personID); err == nil {
			due, err = c.dues.do(ctx, personID)
		}
	}
	if err != nil {
		return whatsapp.Due{}, fmt.Errorf("read what is due: %w", err)
	}
	// A webhook that Meta had to repeat comes late.
	slices.SortStableFunc(due.Waiting, func(a, b whatsapp.Waiting) int { return cmp.Compare(b.SentAgo, a.SentAgo) })
	slices.Reverse(due.History)
	return due.Due, nil
}

// foundDue is what is due, and whether a change of it came before it did and is
// to be taken up first.
type foundDue struct {
	whatsapp.Due
	changed bool
}

func readDue(statements *pgx.Batch, personID int64, due *foundDue) {
	statements.Queue(`
		SELECT coalesce(user_id, ''), coalesce(phone, ''), name,
		       opted_out_at IS NOT NULL, coalesce(paused_until > now(), false), coalesce(hinted_at > now() - interval '1 day', false),
		       EXISTS (SELECT FROM waiting_list WHERE phone_number = '+' || person.phone),
		       coalesce(invited_at > now() - interval '7 days', false),
		       (SELECT count(*) FROM (
		            SELECT FROM answer WHERE person_id = person.id AND created_at > now() - $2::interval LIMIT $3) AS lately)
		FROM person
		WHERE id = $1`, personID, whatsapp.MachineSpan, whatsapp.MachineAnswers,
	).Query(func(rows pgx.Rows) error {
		// Nobody is found where two persons turned out to be one.
		people, err := pgx.CollectRows(rows, scanPerson)
		if len(people) == 1 {
			due.Person = people[0]
		}
		return err
	})
	statements.Queue(`
		SELECT part.id::text, answer.phone_number_id, part.body, part.reply_to, part.button, part.delivery::text, part.attempts,
		       extract(epoch FROM now() - coalesce(part.attempted_at, now()))::float8
		FROM part JOIN answer ON answer.id = part.answer_id
		WHERE part.person_id = $1 AND part.open
		ORDER BY part.answer_id, part.position`, personID,
	).Query(func(rows pgx.Rows) (err error) {
		due.Parts, err = pgx.CollectRows(rows, scanPart)
		return err
	})
	// While the table is small the planner would look for a quoted wamid, of
	// whatever hour, in the whole index of wamids, if it could be found there.
	statements.Queue(`
		SELECT id, wamid, phone_number_id, kind, body, media_id, media_type, media_sha256, media_name, revoked,
		       CASE WHEN quotes = '' THEN '' ELSE coalesce(
		           (SELECT quoted.body FROM message AS quoted
		            WHERE quoted.person_id = $1 AND quoted.answer_id IS NULL AND quoted.wamid || '' = message.quotes LIMIT 1),
		           (SELECT quoted.body
		            FROM (SELECT id FROM answer WHERE person_id = $1 ORDER BY created_at DESC LIMIT $4) AS earlier,
		                 LATERAL (SELECT part.wamid, part.body FROM part WHERE part.answer_id = earlier.id
		                          UNION ALL
		                          SELECT said.wamid, said.body FROM message AS said WHERE said.answer_id = earlier.id) AS quoted
		            WHERE quoted.wamid || '' = message.quotes LIMIT 1), '') END,
		       extract(epoch FROM now() - received_at)::float8,
		       extract(epoch FROM now() - least(sent_at, received_at))::float8,
		       coalesce((SELECT extract(epoch FROM CASE WHEN probe IS NULL THEN resume_at ELSE least(resume_at, now() + $3::interval) END - now()) FROM sending_gate
		                 WHERE sending_gate.phone_number_id = message.phone_number_id), 0)::float8,
		       EXISTS (SELECT FROM early_change WHERE early_change.wamid = message.wamid)
		FROM message
		WHERE person_id = $1 AND answer_id IS NULL
		ORDER BY id
		LIMIT $2`, personID, maxWaiting, probeWait, maxQuoted,
	).Query(func(rows pgx.Rows) (err error) {
		due.Waiting, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (whatsapp.Waiting, error) {
			waiting, changed, err := scanWaiting(row)
			due.changed = due.changed || changed
			return waiting, err
		})
		return err
	})
	readHistory(statements, personID, &due.History)
}

// readHistory reads what was said before, if anything waits: the newest first,
// because they are the ones that there are too many of.
func readHistory(statements *pgx.Batch, personID int64, history *[]whatsapp.Exchange) {
	statements.Queue(`
		SELECT said, body
		FROM answer
		WHERE person_id = $1 AND body <> '' AND created_at > now() - $3::interval
		  AND EXISTS (SELECT FROM message WHERE person_id = $1 AND answer_id IS NULL)
		ORDER BY created_at DESC
		LIMIT $2`, personID, whatsapp.HistoryLimit, whatsapp.HistoryAge,
	).Query(func(rows pgx.Rows) (err error) {
		*history, err = pgx.CollectRows(rows, scanExchange)
		return err
	})
}

// queueLeft looks whether anything is left to do for a person.
func queueLeft(statements *pgx.Batch, personID int64, left *bool) {
	statements.Queue(`
		SELECT EXISTS (SELECT FROM part WHERE person_id = $1 AND open)
		    OR EXISTS (SELECT FROM message WHERE person_id = $1 AND answer_id IS NULL)`, personID,
	).QueryRow(func(row pgx.Row) error { return row.Scan(left) })
}

func scanPart(row pgx.CollectableRow) (whatsapp.Part, error) {
	var part whatsapp.Part
	var body string
	var since float64
	err := row.Scan(&part.ID, &part.PhoneNumberID, &body, &part.ReplyTo, &part.Button, (*string)(&part.Delivery), &part.Attempts, &since)
	part.Body, part.Since = sensitive.NewText(body), seconds(since)
	return part, err
}

func scanPerson(row pgx.CollectableRow) (whatsapp.Person, error) {
	var person whatsapp.Person
	var phone, name string
	err := row.Scan(&person.UserID, &phone, &name, &person.OptedOut, &person.Paused, &person.Hinted,
		&person.Listed, &person.Invited, &person.Recent)
	person.Phone, person.Name = sensitive.NewPhone(phone), sensitive.NewText(name)
	return person, err
}

func scanWaiting(row pgx.CollectableRow) (w whatsapp.Waiting, changed bool, err error) {
	var body, name, quoted string
	var age, sentAgo, held float64
	err = row.Scan(&w.ID, &w.WAMID, &w.PhoneNumberID, &w.Kind, &body, &w.Media.ID, &w.Media.MIMEType, &w.Media.SHA256, &name, &w.Revoked,
		&quoted, &age, &sentAgo, &held, &changed)
	w.Text, w.Media.Name, w.Quoted = sensitive.NewText(body), sensitive.NewText(name), sensitive.NewText(quoted)
	w.Age, w.SentAgo, w.Held = seconds(age), seconds(sentAgo), max(seconds(held), 0)
	return w, changed, err
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func scanExchange(row pgx.CollectableRow) (whatsapp.Exchange, error) {
	var said, answered string
	err := row.Scan(&said, &answered)
	return whatsapp.Exchange{Said: sensitive.NewText(said), Answered: sensitive.NewText(answered)}, err
}
