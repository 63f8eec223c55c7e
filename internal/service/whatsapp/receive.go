package whatsapp

import (
	"context"
	"log/slog"

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
	if err := s.inbox.Store(ctx, batch); err != nil {
		return Receipt{}, err
	}
	receipt := Receipt{Messages: len(batch.Messages), Statuses: len(batch.Statuses), Kept: len(batch.Kept)}
	for _, kept := range batch.Kept {
		s.options.Log.InfoContext(ctx, "webhook item kept without acting on it",
			slog.String("field", kept.Field), slog.String("reason", kept.Reason))
	}
	return receipt, nil
}
