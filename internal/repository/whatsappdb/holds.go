package whatsappdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aisha/internal/repository/postgres"
	"aisha/internal/service/whatsapp"
)

// beginHold holds the number of the part. Of the refusals that follow the first
// one, only that of the probe extends the hold, so that a burst of refusals
// counts once.
func beginHold(ctx context.Context, tx *postgres.Tx, part whatsapp.AnswerPart, refusal whatsapp.Refusal) (whatsapp.RefusalOutcome, error) {
	var outcome whatsapp.RefusalOutcome
	tag, err := tx.Exec(ctx, `
		INSERT INTO send_hold (phone_number_id, needs_operator, error_code, reason, holds_in_row, began_at, retry_at)
		VALUES ($1, $2, $3, $4, 1, now(), now() + $5::interval)
		ON CONFLICT DO NOTHING`,
		part.PhoneNumberID, refusal.Reaction == whatsapp.HoldForOperator, refusal.Code, refusal.Error(), refusal.HoldDuration(0))
	if err != nil {
		return outcome, err
	}
	outcome.HoldBegan = tag.RowsAffected() == 1
	if !outcome.HoldBegan {
		if outcome.HoldBegan, err = extendHold(ctx, tx, part, refusal); err != nil {
			return outcome, err
		}
	}
	var wait float64
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT extract(epoch FROM send_hold_next_check(send_hold, $2::interval) - now())::float8
		FROM send_hold WHERE phone_number_id = $1`, part.PhoneNumberID, whatsapp.ProbeCheck,
	).QueryRow(func(row pgx.Row) error { return row.Scan(&wait) })
	err = tx.Send(ctx, batch)
	outcome.Wait = max(postgres.Seconds(wait), whatsapp.ProbeCheck)
	return outcome, err
}

// hold is a send hold as seen by one part.
type hold struct {
	needsOperator bool
	holdsInRow    int
	isProbe       bool // the part is the probe
}

// extendHold is for a number that is held already. It reports whether the hold
// was temporary until now and needs an operator from now on.
func extendHold(ctx context.Context, tx *postgres.Tx, part whatsapp.AnswerPart, refusal whatsapp.Refusal) (nowNeedsOperator bool, err error) {
	current, err := lockHold(ctx, tx, part)
	if err != nil {
		return false, err
	}
	needsOperator := refusal.Reaction == whatsapp.HoldForOperator
	nowNeedsOperator = needsOperator && !current.needsOperator
	if !current.isProbe && !nowNeedsOperator {
		return false, nil
	}
	holdsBefore := current.holdsInRow - 1
	if current.isProbe {
		holdsBefore++
	}
	_, err = tx.Exec(ctx, `
		UPDATE send_hold
		SET needs_operator = $2, error_code = $3, reason = $4, holds_in_row = $5,
		    retry_at = now() + $6::interval, probe_part_id = nullif(probe_part_id, $7)
		WHERE phone_number_id = $1`,
		part.PhoneNumberID, needsOperator, refusal.Code, refusal.Error(), holdsBefore+1, refusal.HoldDuration(holdsBefore), part.ID)
	return nowNeedsOperator, err
}

func lockHold(ctx context.Context, tx *postgres.Tx, part whatsapp.AnswerPart) (hold, error) {
	var current hold
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT needs_operator, holds_in_row, coalesce(probe_part_id = $2, false)
		FROM send_hold WHERE phone_number_id = $1
		FOR UPDATE`, part.PhoneNumberID, part.ID,
	).QueryRow(func(row pgx.Row) error {
		return row.Scan(&current.needsOperator, &current.holdsInRow, &current.isProbe)
	})
	err := tx.Send(ctx, batch)
	if errors.Is(err, pgx.ErrNoRows) {
		return hold{}, postgres.ErrRetry // the hold ended since the INSERT found it
	}
	return current, err
}

// SendHolds implements whatsapp.Outbox.
func (o *Outbox) SendHolds(ctx context.Context) ([]whatsapp.SendHold, error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()

	rows, err := o.pool.Query(ctx, `
		SELECT phone_number_id, needs_operator, error_code, reason, holds_in_row,
		       extract(epoch FROM now() - began_at)::float8,
		       greatest(extract(epoch FROM retry_at - now()), 0)::float8
		FROM send_hold
		ORDER BY phone_number_id`)
	if err != nil {
		return nil, fmt.Errorf("list send holds: %w", postgres.Translate(err))
	}
	holds, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (whatsapp.SendHold, error) {
		var h whatsapp.SendHold
		var age, retryIn float64
		err := row.Scan(&h.PhoneNumberID, &h.NeedsOperator, &h.ErrorCode, &h.Reason, &h.HoldsInRow, &age, &retryIn)
		h.Age, h.RetryIn = postgres.Seconds(age), postgres.Seconds(retryIn)
		return h, err
	})
	if err != nil {
		return nil, fmt.Errorf("list send holds: %w", postgres.Translate(err))
	}
	return holds, nil
}
