package repository

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/service/whatsapp"
)

const (
	// Meta lets a person have personBurst messages at once and one in
	// personEvery on the average.
	personBurst = 45
	personEvery = 6 * time.Second
	// probeLease is how long the part that tries a closed gate is waited for
	// before another one tries.
	probeLease = time.Minute
	// probeWait is how soon the others ask what became of it.
	probeWait = 5 * time.Second
)

// Outbox keeps how far each part of an answer has come.
type Outbox struct{ pool *pgxpool.Pool }

// countInQuota ends an INSERT of a first message: where it is not the first, the
// time of the others counts too.
const countInQuota = `
			ON CONFLICT (person_id) DO UPDATE
			SET full_at = greatest(quota.full_at, now()) + (excluded.full_at - now())`

// NewOutbox makes an Outbox.
func NewOutbox(pool *pgxpool.Pool) *Outbox { return &Outbox{pool} }

// BeginSend notes that a send begins, or returns how long it must wait. All
// that may hold it back is looked at in the one statement that notes it.
// Counting the attempts makes sure that two workers cannot begin the same send.
//
// Where the gate of the number is closed and it is time to try, the part
// becomes the probe; the lock of the gate's row lets only one do so.
func (o *Outbox) BeginSend(ctx context.Context, part whatsapp.Part) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	var begun bool
	var wait float64
	err := o.pool.QueryRow(ctx, `
		WITH due AS (
			SELECT part.person_id,
			       greatest(part.not_before, (SELECT full_at FROM quota WHERE quota.person_id = part.person_id) - $5::interval) AS earliest
			FROM part
			WHERE part.id = $1 AND part.attempts = $2 AND part.delivery = $3
		), free AS (
			SELECT person_id FROM due WHERE coalesce(earliest <= now(), true)
		), gate AS (
			SELECT CASE WHEN probe IS NULL THEN resume_at ELSE least(resume_at, now() + $8::interval) END AS retry_at
			FROM sending_gate WHERE phone_number_id = $4
		), probe AS (
			UPDATE sending_gate SET probe = $1, resume_at = now() + $7::interval
			FROM free
			WHERE phone_number_id = $4 AND resume_at <= now()
			RETURNING person_id
		), passed AS (
			SELECT person_id FROM free WHERE NOT EXISTS (SELECT FROM gate)
			UNION ALL
			SELECT person_id FROM probe
		), begun AS (
			UPDATE part SET delivery = 'sending', attempts = attempts + 1, attempted_at = now()
			FROM passed
			WHERE id = $1 AND attempts = $2 AND delivery = $3
			RETURNING part.person_id
		), counted AS (
			INSERT INTO quota (person_id, full_at)
			SELECT person_id, now() + $6::interval FROM begun`+countInQuota+`
		)
		SELECT EXISTS (SELECT FROM begun),
		       coalesce(extract(epoch FROM greatest(earliest, (SELECT retry_at FROM gate)) - now()), 0)::float8
		FROM due`,
		part.ID, part.Attempts, string(part.Delivery), part.PhoneNumberID,
		(personBurst-1)*personEvery, personEvery, probeLease, probeWait,
	).Scan(&begun, &wait)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, fmt.Errorf("note that a send begins: %w", whatsapp.ErrOvertaken)
	case err != nil:
		return 0, fmt.Errorf("note that a send begins: %w", translate(err))
	case begun:
		return 0, nil
	}
	// Another part became the probe at the same moment.
	return max(seconds(wait), time.Second), nil
}

// Accept notes that the Graph API took the part. Statuses may have been
// faster; what they told stays, or is taken up now. The part that tried a closed
// gate opens it. It shares no commit: what is not noted here is in doubt, so it
// waits for no row of another part.
func (o *Outbox) Accept(ctx context.Context, partID, wamid string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	var opened bool
	batch := &pgx.Batch{} // which is one transaction
	shareEarlyLock(batch, wamid)
	batch.Queue(`
		WITH accepted AS (
			UPDATE part
			SET delivery = CASE WHEN part.delivery = 'failed' AND part.wamid <> $2 THEN 'accepted'
			                    ELSE GREATEST(part.delivery, 'accepted') END,
			    wamid    = $2
			FROM part AS old
			WHERE old.id = part.id AND part.id = $1 AND part.delivery <> 'unsent'
			RETURNING old.id, old.wamid
		), former AS (
			INSERT INTO former_wamid (wamid, part_id)
			SELECT wamid, id FROM accepted WHERE wamid <> $2
			ON CONFLICT DO NOTHING
		), opened AS (
			DELETE FROM sending_gate WHERE probe = $1 RETURNING 1
		)
		SELECT EXISTS (SELECT FROM opened)`,
		partID, wamid,
	).QueryRow(func(row pgx.Row) error { return row.Scan(&opened) })
	// A status may have put the part back to be sent again before its send had
	// ended. If it spoke of this very send, the part stays put back; if it spoke
	// of a former one, the part is sent now.
	batch.Queue(`
		UPDATE part SET delivery = 'accepted', wamid = $2
		WHERE id = $1 AND delivery = 'unsent' AND NOT EXISTS (SELECT FROM former_wamid WHERE wamid = $2)`,
		partID, wamid)
	takeUpEarly(batch, partID, wamid)

	if err := o.pool.SendBatch(ctx, batch).Close(); err != nil {
		return false, fmt.Errorf("note that a part was accepted: %w", translate(err))
	}
	return opened, nil
}

// Refuse notes that the Graph API did not take the part.
func (o *Outbox) Refuse(ctx context.Context, part whatsapp.Part, refusal whatsapp.Refusal) (whatsapp.Refused, error) {
	var outcome whatsapp.Refused
	err := inTx(ctx, o.pool, func(ctx context.Context, tx pgx.Tx) error {
		refusals, err := lockSending(ctx, tx, part)
		if err != nil {
			return err
		}
		if refusal.ForAll() {
			if err := putBack(ctx, tx, part, refusal); err != nil {
				return err
			}
			outcome, err = closeGate(ctx, tx, part, refusal)
			return err
		}
		outcome = whatsapp.Refused{GivenUp: refusal.Final(refusals)}
		if !outcome.GivenUp {
			outcome.Wait = max(whatsapp.Backoff(refusals), refusal.RetryAfter)
		}
		return refuseOne(ctx, tx, part, refusal, outcome)
	})
	if err != nil {
		return whatsapp.Refused{}, fmt.Errorf("note that a part was refused: %w", err)
	}
	return outcome, nil
}

// lockSending returns how often the part was refused before.
func lockSending(ctx context.Context, tx pgx.Tx, part whatsapp.Part) (refusals int, err error) {
	err = tx.QueryRow(ctx, `
		SELECT refusals FROM part
		WHERE id = $1 AND attempts = $2 AND delivery = 'sending'
		FOR UPDATE`, part.ID, part.Attempts).Scan(&refusals)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, whatsapp.ErrOvertaken
	}
	return refusals, err
}

// putBack is for a refusal that says nothing about the part itself.
func putBack(ctx context.Context, tx pgx.Tx, part whatsapp.Part, refusal whatsapp.Refusal) error {
	_, err := tx.Exec(ctx, `UPDATE part SET delivery = 'unsent', error_code = $2 WHERE id = $1`, part.ID, refusal.Code)
	return err
}

// refuseOne is for a refusal of this part alone. To be refused like that the
// number must be able to send, so a part that tried a closed gate opens it.
func refuseOne(ctx context.Context, tx pgx.Tx, part whatsapp.Part, refusal whatsapp.Refusal, outcome whatsapp.Refused) error {
	next, reason := whatsapp.Unsent, (*string)(nil)
	if outcome.GivenUp {
		text := refusal.Error()
		next, reason = whatsapp.Failed, &text
	}
	_, err := tx.Exec(ctx, `
		WITH opened AS (
			DELETE FROM sending_gate WHERE probe = $1
		)
		UPDATE part
		SET delivery = $2, error_code = $3, error = $4, refusals = refusals + 1, not_before = now() + $5::interval
		WHERE id = $1`,
		part.ID, string(next), refusal.Code, reason, outcome.Wait)
	return err
}
