package repository

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aisha/internal/service/whatsapp"
)

// closeGate closes the gate of the part's number. What is refused along with
// others after the first of them changes nothing, so that a burst counts once;
// only the part that was let through to try closes it for longer.
func closeGate(ctx context.Context, tx pgx.Tx, part whatsapp.Part, refusal whatsapp.Refusal) (whatsapp.Refused, error) {
	var outcome whatsapp.Refused
	tag, err := tx.Exec(ctx, `
		INSERT INTO sending_gate (phone_number_id, stopped, code, reason, closings, closed_at, resume_at)
		VALUES ($1, $2, $3, $4, 1, now(), now() + $5::interval)
		ON CONFLICT DO NOTHING`,
		part.PhoneNumberID, refusal.Reaction == whatsapp.Stop, refusal.Code, refusal.Error(), refusal.Pause(0))
	if err != nil {
		return outcome, err
	}
	outcome.Closed = tag.RowsAffected() == 1
	if !outcome.Closed {
		if outcome.Closed, err = closeAgain(ctx, tx, part, refusal); err != nil {
			return outcome, err
		}
	}
	var wait float64
	err = tx.QueryRow(ctx, `
		SELECT extract(epoch FROM CASE WHEN probe IS NULL THEN resume_at - now() ELSE $2::interval END)::float8
		FROM sending_gate WHERE phone_number_id = $1`, part.PhoneNumberID, probeWait).Scan(&wait)
	outcome.Wait = max(seconds(wait), probeWait)
	return outcome, err
}

// closeAgain is for a gate that is closed already. It reports whether the gate
// was expected to open by itself until now.
func closeAgain(ctx context.Context, tx pgx.Tx, part whatsapp.Part, refusal whatsapp.Refusal) (bool, error) {
	var stopped, tried bool
	var closings int
	err := tx.QueryRow(ctx, `
		SELECT stopped, closings, coalesce(probe = $2, false)
		FROM sending_gate WHERE phone_number_id = $1
		FOR UPDATE`, part.PhoneNumberID, part.ID).Scan(&stopped, &closings, &tried)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, errRace // opened since we looked
	}
	stops := refusal.Reaction == whatsapp.Stop
	if err != nil || !tried && (stopped || !stops) {
		return false, err
	}
	next := closings
	if tried {
		next++
	}
	_, err = tx.Exec(ctx, `
		UPDATE sending_gate
		SET stopped = $2, code = $3, reason = $4, closings = $5, probe = nullif(probe, $7),
		    resume_at = now() + $6::interval
		WHERE phone_number_id = $1`,
		part.PhoneNumberID, stops, refusal.Code, refusal.Error(), next, refusal.Pause(next-1), part.ID)
	return stops && !stopped, err
}

// Gates lists the numbers that are closed.
func (o *Outbox) Gates(ctx context.Context) ([]whatsapp.Gate, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	rows, err := o.pool.Query(ctx, `
		SELECT phone_number_id, stopped, code, reason, closings,
		       extract(epoch FROM now() - closed_at)::float8,
		       greatest(extract(epoch FROM resume_at - now()), 0)::float8
		FROM sending_gate
		ORDER BY phone_number_id`)
	if err != nil {
		return nil, fmt.Errorf("read the gates: %w", translate(err))
	}
	gates, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (whatsapp.Gate, error) {
		var gate whatsapp.Gate
		var closed, resumes float64
		err := row.Scan(&gate.PhoneNumberID, &gate.Stopped, &gate.Code, &gate.Reason, &gate.Closings, &closed, &resumes)
		gate.ClosedFor, gate.ResumesIn = seconds(closed), seconds(resumes)
		return gate, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the gates: %w", translate(err))
	}
	return gates, nil
}
