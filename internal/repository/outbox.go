package repository

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/service/whatsapp"
)

// Outbox keeps how far each part of an answer has come.
type Outbox struct{ pool *pgxpool.Pool }

// NewOutbox makes an Outbox.
func NewOutbox(pool *pgxpool.Pool) *Outbox { return &Outbox{pool} }

// BeginSend notes that a send begins. Counting the attempts makes sure that
// two workers cannot begin the same one.
func (o *Outbox) BeginSend(ctx context.Context, part whatsapp.Part) error {
	return o.update(ctx, "note that a send begins", `
		UPDATE part
		SET delivery = 'sending', attempts = attempts + 1, attempted_at = now()
		WHERE id = $1 AND attempts = $2 AND delivery = $3`,
		part.ID, part.Attempts, string(part.Delivery))
}

// Accept notes that the Graph API took the part. Statuses may have been
// faster; what they told stays.
func (o *Outbox) Accept(ctx context.Context, partID, wamid string) error {
	return o.update(ctx, "note that a part was accepted", `
		UPDATE part
		SET delivery = GREATEST(delivery, 'accepted'), wamid = $2
		WHERE id = $1`,
		partID, wamid)
}

// Refuse notes that the Graph API did not take the part.
func (o *Outbox) Refuse(ctx context.Context, partID string, refusal whatsapp.Refusal) error {
	next, reason := whatsapp.Unsent, (*string)(nil)
	if refusal.Reaction == whatsapp.GiveUp {
		text := refusal.Error()
		next, reason = whatsapp.Failed, &text
	}
	return o.update(ctx, "note that a part was refused", `
		UPDATE part
		SET delivery = $2, error_code = $3, error = $4
		WHERE id = $1 AND delivery = 'sending'`,
		partID, string(next), refusal.Code, reason)
}

// update changes one row, or returns ErrOvertaken where it is no longer as
// the statement expects it.
func (o *Outbox) update(ctx context.Context, doing, sql string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	tag, err := o.pool.Exec(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, translate(err))
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("%s: %w", doing, whatsapp.ErrOvertaken)
	}
	return nil
}
