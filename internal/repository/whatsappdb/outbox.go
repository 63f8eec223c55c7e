package whatsappdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository/postgres"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

// Outbox stores the progress of answer parts. It implements whatsapp.Outbox.
type Outbox struct{ pool *pgxpool.Pool }

// NewOutbox returns an Outbox.
func NewOutbox(pool *pgxpool.Pool) *Outbox { return &Outbox{pool: pool} }

// beginSend finds no row where the part differs from the given one or must not be
// sent.
const beginSend = `
	-- $1 part id          $4 phone_number_id                               $7 lease of a probe
	-- $2 attempts         $5 interval of a person's whole burst but one    $8 interval of the checks during a probe
	-- $3 delivery         $6 interval of one message                       $9 wa_id of the recipient
	-- $10 why a part is given up
	WITH current AS (
		SELECT person_id, not_before, opted_out_at IS NOT NULL AND NOT confirms_opt_out AS forbidden
		FROM answer_part AS part JOIN person ON person.id = person_id
		WHERE part.id = $1 AND attempts = $2 AND delivery = $3 AND coalesce(wa_id, '') = $9
	), given_up AS (
		UPDATE answer_part SET delivery = 'failed', error = $10
		FROM current
		WHERE id = $1 AND attempts = $2 AND delivery = $3 AND forbidden
	), part AS (
		SELECT person_id,
		       greatest(not_before, (SELECT replenished_at FROM person_send_quota AS quota WHERE quota.person_id = current.person_id)
		                            - $5::interval) AS earliest
		FROM current
		WHERE NOT forbidden
	), ready AS (
		SELECT person_id FROM part WHERE coalesce(earliest <= now(), true)
	), hold AS (
		SELECT send_hold_next_check(send_hold, $8::interval) AS next_check FROM send_hold WHERE phone_number_id = $4
	), probe AS (
		UPDATE send_hold SET probe_part_id = $1, retry_at = now() + $7::interval
		FROM ready
		WHERE phone_number_id = $4 AND retry_at <= now()
		RETURNING person_id
	), allowed AS (
		SELECT person_id FROM ready WHERE NOT EXISTS (SELECT FROM hold)
		UNION ALL
		SELECT person_id FROM probe
	), begun AS (
		UPDATE answer_part SET delivery = 'sending', attempts = attempts + 1, attempted_at = now()
		FROM allowed
		WHERE id = $1 AND attempts = $2 AND delivery = $3
		RETURNING answer_part.person_id
	), counted AS (
		INSERT INTO person_send_quota (person_id, replenished_at)
		SELECT person_id, now() + $6::interval FROM begun
		ON CONFLICT (person_id) DO UPDATE
		SET replenished_at = greatest(person_send_quota.replenished_at, now()) + $6::interval
	)
	SELECT EXISTS (SELECT FROM begun),
	       coalesce(extract(epoch FROM greatest(earliest, (SELECT next_check FROM hold)) - now()), 0)::float8
	FROM part`

// BeginSend implements whatsapp.Outbox. One statement checks everything that can
// delay or forbid the send and stores that it begins. If the person opted out, it
// gives the part up instead. The condition on the attempts keeps two workers from
// beginning the same send. During a send hold whose retry_at has passed, the part
// becomes the probe; the lock of the hold's row lets only one part do so.
func (o *Outbox) BeginSend(ctx context.Context, to webhook.Identity, part whatsapp.AnswerPart) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()

	var begun bool
	var wait float64
	err := o.pool.QueryRow(ctx, beginSend,
		part.ID, part.Attempts, string(part.Delivery), part.PhoneNumberID,
		burstButOne, whatsapp.PersonInterval, whatsapp.ProbeLease, whatsapp.ProbeCheck,
		to.WaID.Reveal(), errorOptedOut,
	).Scan(&begun, &wait)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, fmt.Errorf("begin a send: %w", whatsapp.ErrAlreadyDone)
	case err != nil:
		return 0, fmt.Errorf("begin a send: %w", postgres.Translate(err))
	case begun:
		return 0, nil
	}
	// At least a second: another part may have become the probe at the same
	// moment.
	return max(postgres.Seconds(wait), time.Second), nil
}

// Accept implements whatsapp.Outbox. A status may have arrived before the
// response: what it stored is kept, and a pending one is applied. A part that was
// the probe ends the send hold.
//
// It shares no commit with other calls: until it is stored the outcome of the
// send is unknown, so it must not wait for the rows of other parts.
func (o *Outbox) Accept(ctx context.Context, partID, wamid string) (holdEnded bool, err error) {
	err = postgres.RunBatch(ctx, o.pool, 1, func(batch *pgx.Batch) {
		queueShareWAMID(batch, wamid)
		batch.Queue(`
			WITH accepted AS (
				UPDATE answer_part AS part
				SET delivery = CASE WHEN part.delivery = 'failed' AND part.wamid <> $2 THEN 'accepted'
				                    ELSE GREATEST(part.delivery, 'accepted') END,
				    wamid    = $2
				FROM answer_part AS old
				WHERE old.id = part.id AND part.id = $1 AND part.delivery <> 'unsent'
				RETURNING old.id, old.wamid
			), former AS (
				INSERT INTO former_wamid (wamid, part_id)
				SELECT wamid, id FROM accepted WHERE wamid <> $2
				ON CONFLICT DO NOTHING
			), ended AS (
				DELETE FROM send_hold WHERE probe_part_id = $1 RETURNING 1
			)
			SELECT EXISTS (SELECT FROM ended)`, partID, wamid,
		).QueryRow(func(row pgx.Row) error { return row.Scan(&holdEnded) })
		// A failed status may have made the part unsent before its send had ended.
		// If it was about this very send, the part stays unsent and is sent again.
		// If it was about a former one, the part is sent now.
		batch.Queue(`
			UPDATE answer_part SET delivery = 'accepted', wamid = $2
			WHERE id = $1 AND delivery = 'unsent' AND NOT EXISTS (SELECT FROM former_wamid WHERE wamid = $2)`,
			partID, wamid)
		queueApplyPendingStatus(batch, partID, wamid)
	})
	if err != nil {
		return false, fmt.Errorf("store an accepted part: %w", err)
	}
	return holdEnded, nil
}

// Refuse implements whatsapp.Outbox.
func (o *Outbox) Refuse(ctx context.Context, part whatsapp.AnswerPart, refusal whatsapp.Refusal) (whatsapp.RefusalOutcome, error) {
	var outcome whatsapp.RefusalOutcome
	err := postgres.InTx(ctx, o.pool, func(ctx context.Context, tx *postgres.Tx) error {
		refusals, unclear, err := lockSendingPart(ctx, tx, part)
		if err != nil {
			return err
		}
		if refusal.HoldsNumber() {
			if err := storeNumberRefusal(ctx, tx, part, refusal); err != nil {
				return err
			}
			outcome, err = beginHold(ctx, tx, part, refusal)
			return err
		}
		outcome = whatsapp.RefusalOutcome{GivenUp: refusal.IsFinal(unclear)}
		if !outcome.GivenUp {
			outcome.Wait = max(whatsapp.Backoff(refusals), refusal.RetryAfter)
		}
		return storePartRefusal(ctx, tx, part, refusal, outcome)
	})
	if err != nil {
		return whatsapp.RefusalOutcome{}, fmt.Errorf("store a refused part: %w", err)
	}
	return outcome, nil
}

// lockSendingPart locks the part and returns how often it was refused before,
// and how many of these refusals named no cause.
// Errors: whatsapp.ErrAlreadyDone where the part is not as BeginSend left it.
func lockSendingPart(ctx context.Context, tx *postgres.Tx, part whatsapp.AnswerPart) (refusals, unclear int, err error) {
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT refusals, unclear_refusals FROM answer_part
		WHERE id = $1 AND attempts = $2 AND delivery = 'sending'
		FOR UPDATE`, part.ID, part.Attempts,
	).QueryRow(func(row pgx.Row) error { return row.Scan(&refusals, &unclear) })
	err = tx.Send(ctx, batch)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, 0, whatsapp.ErrAlreadyDone
	}
	return refusals, unclear, err
}

// storeNumberRefusal makes the part unsent. The refusal concerns the number, so it
// does not count against the part.
func storeNumberRefusal(ctx context.Context, tx *postgres.Tx, part whatsapp.AnswerPart, refusal whatsapp.Refusal) error {
	_, err := tx.Exec(ctx, `UPDATE answer_part SET delivery = 'unsent', error_code = $2 WHERE id = $1`, part.ID, refusal.Code)
	return err
}

// storePartRefusal stores a refusal that concerns this part alone. It shows that
// the number can send, so it ends a hold for which the part was the probe.
func storePartRefusal(ctx context.Context, tx *postgres.Tx, part whatsapp.AnswerPart, refusal whatsapp.Refusal, outcome whatsapp.RefusalOutcome) error {
	next, reason := whatsapp.Unsent, (*string)(nil)
	if outcome.GivenUp {
		text := refusal.Error()
		next, reason = whatsapp.Failed, &text
	}
	_, err := tx.Exec(ctx, `
		WITH ended AS (
			DELETE FROM send_hold WHERE probe_part_id = $1
		)
		UPDATE answer_part
		SET delivery = $2, error_code = $3, error = $4, not_before = now() + $5::interval,
		    refusals = refusals + 1, unclear_refusals = unclear_refusals + $6::boolean::integer
		WHERE id = $1`,
		part.ID, string(next), refusal.Code, reason, outcome.Wait, refusal.Reaction == whatsapp.RetryUnclear)
	return err
}
