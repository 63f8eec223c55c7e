package whatsappdb

import (
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

// dueRows is what the statements of queueReadDue return.
type dueRows struct {
	whatsapp.Due
	hasPendingChange bool // of one of the messages
}

func queueReadDue(batch *pgx.Batch, personID int64, due *dueRows) {
	queueReadPerson(batch, personID, due)
	queueReadOpenParts(batch, personID, due)
	queueReadUnanswered(batch, personID, due)
	queueReadHistory(batch, personID, due)
}

// queueReadPerson finds no row where the person was merged into another one.
func queueReadPerson(batch *pgx.Batch, personID int64, due *dueRows) {
	batch.Queue(`
		SELECT coalesce(bsuid, ''), coalesce(wa_id, ''), name,
		       opted_out_at IS NOT NULL, coalesce(choice_at, opted_out_at),
		       coalesce(paused_until > now(), false),
		       coalesce(hinted_at > now() - $2::interval, false),
		       coalesce(join_offered_at > now() - $3::interval, false),
		       entry.id IS NOT NULL,
		       entry.id IS NOT NULL AND verified_at IS NULL AND coalesce(join_offered_at < entry.created_at, true),
		       (SELECT count(*) FROM (
		            SELECT FROM answer WHERE person_id = person.id AND created_at > now() - $4::interval LIMIT $5) AS recent)
		FROM person LEFT JOIN waitlist_entry AS entry ON entry.phone_number = person.phone_number AND entry.status <> 'removed'
		WHERE person.id = $1`,
		personID, whatsapp.HintInterval, whatsapp.JoinOfferInterval, whatsapp.MachineSpan, whatsapp.MachineAnswers,
	).Query(func(rows pgx.Rows) error {
		persons, err := pgx.CollectRows(rows, scanPerson)
		if len(persons) == 1 {
			due.Person = persons[0]
		}
		return err
	})
}

func scanPerson(row pgx.CollectableRow) (whatsapp.Person, error) {
	var p whatsapp.Person
	var waID, name string
	var choiceAt *time.Time
	err := row.Scan(&p.BSUID, &waID, &name, &p.OptedOut, &choiceAt, &p.Paused, &p.HintedRecently, &p.JoinOfferedRecently,
		&p.Listed, &p.UnconfirmedEntry, &p.RecentAnswers)
	p.WaID, p.Name = sensitive.NewPhone(waID), sensitive.NewText(name)
	if choiceAt != nil {
		p.ChoiceAt = *choiceAt
	}
	return p, err
}

func queueReadOpenParts(batch *pgx.Batch, personID int64, due *dueRows) {
	batch.Queue(`
		SELECT part.id::text, answer.phone_number_id, part.body, part.quoted_wamid, part.button, part.delivery::text, part.attempts,
		       extract(epoch FROM now() - coalesce(part.attempted_at, now()))::float8
		FROM answer_part AS part JOIN answer ON answer.id = part.answer_id
		WHERE part.person_id = $1 AND part.open
		ORDER BY part.answer_id, part.position`, personID,
	).Query(func(rows pgx.Rows) (err error) {
		due.Parts, err = pgx.CollectRows(rows, scanPart)
		return err
	})
}

func scanPart(row pgx.CollectableRow) (whatsapp.AnswerPart, error) {
	var part whatsapp.AnswerPart
	var body string
	var since float64
	err := row.Scan(&part.ID, &part.PhoneNumberID, &body, &part.QuotedWAMID, &part.Button, (*string)(&part.Delivery), &part.Attempts, &since)
	part.Body, part.SinceAttempt = sensitive.NewText(body), postgres.Seconds(since)
	return part, err
}

// queueReadUnanswered reads the messages without an answer. The text of a quoted
// message is searched for among the unanswered messages and in the last answers
// of the person. The concatenation with an empty string keeps the planner from
// searching the unique index for a wamid of any hour, which it does while the
// table is small.
func queueReadUnanswered(batch *pgx.Batch, personID int64, due *dueRows) {
	batch.Queue(`
		SELECT id, wamid, phone_number_id, type, body, media_id, media_type, media_sha256, media_name, revoked,
		       CASE WHEN quoted_wamid = '' THEN '' ELSE coalesce(
		           (SELECT quoted.body FROM message AS quoted
		            WHERE quoted.person_id = $1 AND quoted.answer_id IS NULL AND quoted.wamid || '' = message.quoted_wamid LIMIT 1),
		           (SELECT quoted.body
		            FROM (SELECT id FROM answer WHERE person_id = $1 ORDER BY created_at DESC LIMIT $4) AS earlier,
		                 LATERAL (SELECT part.wamid, part.body FROM answer_part AS part WHERE part.answer_id = earlier.id
		                          UNION ALL
		                          SELECT asked.wamid, asked.body FROM message AS asked WHERE asked.answer_id = earlier.id) AS quoted
		            WHERE quoted.wamid || '' = message.quoted_wamid LIMIT 1), '') END,
		       sent_at, extract(epoch FROM now() - received_at)::float8,
		       extract(epoch FROM now() - least(sent_at, received_at))::float8,
		       coalesce((SELECT extract(epoch FROM send_hold_next_check(send_hold, $3::interval) - now())
		                 FROM send_hold WHERE send_hold.phone_number_id = message.phone_number_id), 0)::float8,
		       EXISTS (SELECT FROM pending_change AS change WHERE change.wamid = message.wamid AND `+isBySender+`)
		FROM message
		WHERE person_id = $1 AND answer_id IS NULL
		ORDER BY id
		LIMIT $2`, personID, whatsapp.MaxMessages, whatsapp.ProbeCheck, whatsapp.QuoteLookback,
	).Query(func(rows pgx.Rows) (err error) {
		due.Messages, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (whatsapp.UnansweredMessage, error) {
			message, hasPendingChange, err := scanUnanswered(row)
			due.hasPendingChange = due.hasPendingChange || hasPendingChange
			return message, err
		})
		return err
	})
}

func scanUnanswered(row pgx.CollectableRow) (m whatsapp.UnansweredMessage, hasPendingChange bool, err error) {
	var body, filename, quoted string
	var age, sentAgo, hold float64
	err = row.Scan(&m.ID, &m.WAMID, &m.PhoneNumberID, &m.Type, &body, &m.Media.ID, &m.Media.MIMEType, &m.Media.SHA256, &filename, &m.Revoked,
		&quoted, &m.SentAt, &age, &sentAgo, &hold, &hasPendingChange)
	m.Text, m.Media.Filename, m.QuotedText = sensitive.NewText(body), sensitive.NewText(filename), sensitive.NewText(quoted)
	m.Age, m.SentAgo, m.HoldRemaining = postgres.Seconds(age), postgres.Seconds(sentAgo), max(postgres.Seconds(hold), 0)
	return m, hasPendingChange, err
}

// queueReadHistory reads the newest turns, newest first, where a message waits
// for an answer.
func queueReadHistory(batch *pgx.Batch, personID int64, due *dueRows) {
	batch.Queue(`
		SELECT question, body
		FROM answer
		WHERE person_id = $1 AND body <> '' AND created_at > now() - $3::interval
		  AND EXISTS (SELECT FROM message WHERE person_id = $1 AND answer_id IS NULL)
		ORDER BY created_at DESC
		LIMIT $2`, personID, whatsapp.HistoryLimit, whatsapp.HistoryAge,
	).Query(func(rows pgx.Rows) (err error) {
		due.History, err = pgx.CollectRows(rows, scanTurn)
		return err
	})
}

func scanTurn(row pgx.CollectableRow) (whatsapp.Turn, error) {
	var question, answer string
	err := row.Scan(&question, &answer)
	return whatsapp.Turn{Question: sensitive.NewText(question), Answer: sensitive.NewText(answer)}, err
}
