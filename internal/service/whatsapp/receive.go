package whatsapp

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"aisha/internal/fault"
	"aisha/internal/service/whatsapp/webhook"
)

// Receipt counts the items of a webhook, including those that were stored
// before.
type Receipt struct {
	Messages  int
	Statuses  int
	Unhandled int
}

func (s *Service) receive(ctx context.Context, signatureHeader string, readBody func() ([]byte, error)) (Receipt, error) {
	body, err := s.verifiedBody(signatureHeader, readBody)
	if err != nil {
		return Receipt{}, err
	}
	batch := webhook.Decode(body, time.Now())
	receipt := Receipt{Messages: len(batch.Messages), Statuses: len(batch.Statuses), Unhandled: len(batch.Unhandled)}
	s.applyPolicy(&batch)
	unhandled := batch.Unhandled
	batch.Unhandled = limitUnhandled(unhandled, body)
	if err := s.store(ctx, batch, body); err != nil {
		s.markGap()
		return Receipt{}, err
	}
	s.observeFailures(ctx, batch.Statuses)
	s.logOtherNumbers(ctx, batch.Messages)
	s.logUnhandled(ctx, unhandled)
	return receipt, nil
}

// verifiedBody reads the body and returns it only where the signature is right.
func (s *Service) verifiedBody(signatureHeader string, readBody func() ([]byte, error)) ([]byte, error) {
	if len(s.options.AppSecrets) == 0 {
		return nil, fault.New(fault.NotConfigured, "the WhatsApp webhook is not configured: it has no app secret")
	}
	forbidden := fault.New(fault.Forbidden, "the signature is missing or wrong")
	signature, ok := webhook.ParseSignature(signatureHeader)
	if !ok {
		return nil, forbidden
	}
	body, err := readBody()
	if err != nil {
		return nil, err
	}
	if !signature.SignedBy(s.options.AppSecrets, body) {
		return nil, forbidden
	}
	return body, nil
}

// applyPolicy adds to the events of a webhook what follows from them.
func (s *Service) applyPolicy(batch *webhook.Batch) {
	for i := range batch.Echoes {
		batch.Echoes[i].Pause = s.options.HandoverPause
	}
	addChoices(batch, time.Now())
}

// store makes the batch durable. Meta would repeat a batch with an unstorable
// item for days, and the other items would be lost with it. So the items are
// stored one by one, and the whole body is stored as an unhandled item.
func (s *Service) store(ctx context.Context, batch webhook.Batch, body []byte) error {
	err := s.inbox.Store(ctx, batch)
	if !errors.Is(err, ErrUnstorable) {
		return err
	}
	s.options.Log.ErrorContext(ctx, "webhook cannot be stored; storing its items one by one", slog.Any("error", err))
	batch.Unhandled = nil // they are in the body
	for _, item := range batch.Split() {
		if err := s.inbox.Store(ctx, item); err != nil && !errors.Is(err, ErrUnstorable) {
			return err
		}
	}
	return s.inbox.Store(ctx, webhook.Batch{Unhandled: []webhook.UnhandledItem{{
		Reason: "an item in it cannot be stored", Raw: body,
	}}})
}

// observeFailures counts the failed statuses of a webhook. It logs an error at
// most once for a webhook where an operator has to repair the cause.
func (s *Service) observeFailures(ctx context.Context, statuses []webhook.Status) {
	operatorCode := 0
	for _, status := range statuses {
		if status.State != webhook.StateFailed {
			continue
		}
		s.observe(OutcomeFailed, status.ErrorCode)
		if status.ErrorCode != 0 && ReactionTo(status.ErrorCode, GiveUp) == HoldForOperator {
			operatorCode = status.ErrorCode
		}
	}
	if operatorCode != 0 {
		s.options.Log.ErrorContext(ctx, "messages fail until an operator repairs the cause", slog.Int("code", operatorCode))
	}
}

// logOtherNumbers warns once about each number that receives messages and is not
// PhoneNumberID. Answers are sent from the number that received the message.
func (s *Service) logOtherNumbers(ctx context.Context, messages []webhook.Message) {
	if s.options.PhoneNumberID == "" {
		return
	}
	for _, m := range messages {
		if m.PhoneNumberID == s.options.PhoneNumberID {
			continue
		}
		if _, logged := s.otherNumbers.LoadOrStore(m.PhoneNumberID, nil); !logged {
			s.options.Log.WarnContext(ctx, "message to another number than WHATSAPP_PHONE_NUMBER_ID",
				slog.String("phone_number_id", m.PhoneNumberID))
		}
	}
}

// markGap records that statuses may have been lost until now, so quietFor must
// not count earlier time.
func (s *Service) markGap() { s.lastGap.Store(time.Now().UnixNano()) }

// quietFor returns for how much of the time since a send a status would have been
// stored if it had arrived. While the database is unreachable no
// instance can store a status, so time before the latest reconnect or failed
// webhook does not count. An instance that alone is cut off from the database is
// not detected.
func (s *Service) quietFor(sinceSend time.Duration) time.Duration {
	if sinceSend > webhook.RetryPeriod {
		return sinceSend
	}
	return min(sinceSend, time.Since(time.Unix(0, s.lastGap.Load())), s.locks.ConnectedFor())
}
