package whatsapp

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"aisha/internal/fault"
)

// Receipt counts what was stored of a webhook, what was known before included.
type Receipt struct {
	Messages int
	Statuses int
	Kept     int
}

func (s *Service) receive(ctx context.Context, signature string, body []byte) (Receipt, error) {
	if len(s.options.AppSecrets) == 0 {
		return Receipt{}, fault.New(fault.NotConfigured, "the WhatsApp webhook is not configured: it has no app secret")
	}
	if !signedBy(s.options.AppSecrets, signature, body) {
		return Receipt{}, fault.New(fault.Forbidden, "the signature is missing or wrong")
	}
	batch := Decode(body)
	for i := range batch.Echoes {
		batch.Echoes[i].Pause = s.options.HumanPause
	}
	if err := s.store(ctx, batch, body); err != nil {
		s.deafUntilNow()
		return Receipt{}, err
	}
	s.observeFailures(ctx, batch.Statuses)
	receipt := Receipt{Messages: len(batch.Messages), Statuses: len(batch.Statuses), Kept: len(batch.Kept)}
	for _, kept := range batch.Kept {
		s.options.Log.InfoContext(ctx, "webhook item kept without acting on it",
			slog.String("field", kept.Field), slog.String("reason", kept.Reason))
	}
	return receipt, nil
}

// store makes the batch durable. One that the database will never take would
// come again for a week and keep out what came with it; so it is stored item by
// item, and as it came, for the operator.
func (s *Service) store(ctx context.Context, batch Batch, body []byte) error {
	err := s.inbox.Store(ctx, batch)
	if !errors.Is(err, ErrUnstorable) {
		return err
	}
	s.options.Log.ErrorContext(ctx, "a webhook cannot be stored; trying it item by item", slog.Any("error", err))
	for _, item := range batch.apart() {
		if err := s.inbox.Store(ctx, item); err != nil && !errors.Is(err, ErrUnstorable) {
			return err
		}
	}
	return s.inbox.Store(ctx, Batch{Kept: []Kept{{Reason: "something in it cannot be stored", Raw: body}}})
}

// apart is the batch as batches of one item each.
func (b Batch) apart() []Batch {
	var items []Batch
	for i := range b.Messages {
		items = append(items, Batch{Messages: b.Messages[i : i+1]})
	}
	for i := range b.Statuses {
		items = append(items, Batch{Statuses: b.Statuses[i : i+1]})
	}
	for i := range b.Edits {
		items = append(items, Batch{Edits: b.Edits[i : i+1]})
	}
	for i := range b.Renames {
		items = append(items, Batch{Renames: b.Renames[i : i+1]})
	}
	return append(items, Batch{Revokes: b.Revokes}, Batch{Echoes: b.Echoes}, Batch{Preferences: b.Preferences})
}

// deafUntilNow notes that webhooks may have been missed: how long no status
// came says nothing about the time before.
func (s *Service) deafUntilNow() { s.hearing.Store(time.Now().UnixNano()) }

// metaTries is for how long Meta tries to tell us something.
const metaTries = 7 * 24 * time.Hour

// silence is how long no status came although one would have been heard, by
// whichever instance: while the database is away none of them can take one. It
// does not know of an instance that alone is cut off from the database.
func (s *Service) silence(sinceSend time.Duration) time.Duration {
	if sinceSend > metaTries {
		return sinceSend
	}
	return min(sinceSend, time.Since(time.Unix(0, s.hearing.Load())), s.locks.Standing())
}
