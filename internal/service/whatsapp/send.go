package whatsapp

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"aisha/internal/fault"
	"aisha/internal/service/whatsapp/webhook"
)

// Outcome is the outcome of a send, for metrics.
type Outcome string

// The outcomes.
const (
	OutcomeAccepted Outcome = "accepted" // the Graph API accepted the message
	OutcomeUnknown  Outcome = "unknown"  // a status will show it
	OutcomeRefused  Outcome = "refused"  // the message is sent again
	OutcomeGivenUp  Outcome = "given_up" // the message is not sent again
	OutcomeFailed   Outcome = "failed"   // a status reported the failure of an accepted message
)

// RefusalOutcome is what follows from a refusal.
type RefusalOutcome struct {
	GivenUp   bool          // the part is not sent again
	Wait      time.Duration // until it is sent again, otherwise
	HoldBegan bool          // a send hold began, or a temporary one now needs an operator
}

// sendParts sends the parts in order and stops at the first one that must wait,
// so that a person never gets a later part before an earlier one.
func (s *Service) sendParts(ctx context.Context, to webhook.Identity, parts []AnswerPart) (Next, error) {
	for _, part := range parts {
		next, err := s.sendPart(ctx, to, part)
		if err != nil || next.After > 0 {
			return next, err
		}
	}
	return Next{}, nil
}

func (s *Service) sendPart(ctx context.Context, to webhook.Identity, part AnswerPart) (Next, error) {
	if quiet := s.quietFor(part.SinceAttempt); part.Delivery == Sending && quiet < s.options.ResendAfter {
		// The outcome of this send is unknown. A status will show it; the send is
		// repeated only where none arrives.
		return Next{After: s.options.ResendAfter - quiet}, nil
	}
	if err := ctx.Err(); err != nil {
		return Next{}, err // the lock is lost or the instance stops: begin no send
	}
	if retryIn := s.limiter.Wait(ctx, part.PhoneNumberID); retryIn > 0 {
		return Next{After: withJitter(retryIn)}, nil
	}
	began := time.Now()
	if wait, err := s.outbox.BeginSend(ctx, to, part); err != nil || wait > 0 {
		if fault.Is(err, fault.Unavailable) {
			s.markGap() // a database that stores no send stores no status
		}
		return Next{After: withJitter(wait)}, err
	}
	part.Attempts++
	return s.deliver(ctx, to, part, began)
}

// deliver sends a part. The begin of its send is stored already; began is a time
// shortly before that.
func (s *Service) deliver(ctx context.Context, to webhook.Identity, part AnswerPart, began time.Time) (Next, error) {
	if s.tooLateToSend(began) {
		s.options.Log.WarnContext(ctx, "send not started: too late after its begin was stored; it is repeated later", slog.String("part_id", part.ID))
		return Next{After: s.options.ResendAfter}, nil
	}
	// From here on only the client's timeout ends the call: a cancelled send has
	// an unknown outcome.
	ctx = context.WithoutCancel(ctx)
	wamid, err := s.graph.Send(ctx, OutgoingMessage{
		PhoneNumberID: part.PhoneNumberID,
		To:            to,
		Body:          part.Body,
		QuotedWAMID:   part.QuotedWAMID,
		Button:        part.Button,
		Callback:      part.ID,
	})
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	var refusal *Refusal
	switch {
	case err == nil:
		return Next{}, s.storeAccepted(ctx, part, wamid)
	case errors.As(err, &refusal):
		return s.storeRefused(ctx, part, *refusal)
	default:
		s.observe(OutcomeUnknown, 0)
		s.options.Log.WarnContext(ctx, "send outcome unknown; waiting for its status",
			slog.String("part_id", part.ID), slog.Any("error", err))
		return Next{After: s.options.ResendAfter}, nil
	}
}

// tooLateToSend reports whether so much time has passed since began that the
// send must not start: it has to end before ResendAfter, when another worker may
// repeat it, and the Graph API call may take half of that time.
//
// The process or the VM may have been suspended. The monotonic clock stops
// during a suspend and the wall clock does not, so the larger elapsed time
// counts.
func (s *Service) tooLateToSend(began time.Time) bool {
	elapsed := max(time.Since(began), time.Now().Round(0).Sub(began.Round(0)))
	return elapsed > s.options.ResendAfter/2
}

func (s *Service) storeAccepted(ctx context.Context, part AnswerPart, wamid string) error {
	s.observe(OutcomeAccepted, 0)
	s.sendingNumbers.LoadOrStore(part.PhoneNumberID, nil)
	holdEnded, err := s.outbox.Accept(ctx, part.ID, wamid)
	if holdEnded {
		s.options.Log.WarnContext(ctx, "send hold ended", slog.String("phone_number_id", part.PhoneNumberID))
	}
	return err
}

// storeRefused stores a refusal. It logs an error only for the refusal that
// begins a hold which needs an operator, and not for those after it.
func (s *Service) storeRefused(ctx context.Context, part AnswerPart, refusal Refusal) (Next, error) {
	result, err := s.outbox.Refuse(ctx, part, refusal)
	if err != nil {
		return Next{}, err
	}
	level, outcome := slog.LevelWarn, OutcomeRefused
	if result.HoldBegan && refusal.Reaction == HoldForOperator {
		level = slog.LevelError
	}
	if result.GivenUp {
		outcome = OutcomeGivenUp
	}
	s.observe(outcome, refusal.Code)
	s.options.Log.Log(ctx, level, "send refused",
		slog.String("part_id", part.ID), slog.String("phone_number_id", part.PhoneNumberID),
		slog.Bool("hold_began", result.HoldBegan), slog.Bool("given_up", result.GivenUp), slog.Duration("wait", result.Wait),
		slog.Any("error", &refusal))
	return Next{After: result.Wait}, nil
}

func (s *Service) observe(outcome Outcome, code int) {
	if s.options.Observe != nil {
		s.options.Observe(outcome, code)
	}
}
