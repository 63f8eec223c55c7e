package whatsapp

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"aisha/internal/fault"
)

// storeTimeout bounds how long the outcome of a send is tried to be stored.
// Where that fails the outcome is unknown and a status settles it.
const storeTimeout = 10 * time.Second

// Outcome is what became of a send, for metrics.
type Outcome string

// The outcomes.
const (
	OutcomeAccepted Outcome = "accepted" // the Graph API took it
	OutcomeUnknown  Outcome = "unknown"  // a status will tell
	OutcomeRefused  Outcome = "refused"  // it will be tried again
	OutcomeGivenUp  Outcome = "given_up" // it was refused for good
	OutcomeFailed   Outcome = "failed"   // it was taken, and a status says that it failed
)

// Refused is what becomes of a part that was refused.
type Refused struct {
	GivenUp bool          // it is not tried again
	Wait    time.Duration // until it is, otherwise
	Closed  bool          // the gate of the number was open, or expected to open by itself, until now
}

// send sends the parts in order and stops at the first whose outcome must be
// waited for, so that a person never gets a later part before an earlier one.
func (s *Service) send(ctx context.Context, to Identity, parts []Part) (Next, error) {
	for _, part := range parts {
		next, err := s.sendPart(ctx, to, part)
		if err != nil || next.After > 0 {
			return next, err
		}
	}
	return Next{}, nil
}

func (s *Service) sendPart(ctx context.Context, to Identity, part Part) (Next, error) {
	if silence := s.silence(part.Since); part.Delivery == Sending && silence < s.options.ResendAfter {
		// A send began and its outcome is unknown. A status webhook settles it;
		// only if none comes is it sent again.
		return Next{After: s.options.ResendAfter - silence}, nil
	}
	if err := ctx.Err(); err != nil {
		return Next{}, err // the lock is lost, or we are stopping: begin nothing
	}
	if again := s.pace.Await(ctx, part.PhoneNumberID); again > 0 {
		return Next{After: scatter(again)}, nil
	}
	before := time.Now()
	if wait, err := s.outbox.BeginSend(ctx, part); err != nil || wait > 0 {
		if fault.Is(err, fault.Unavailable) {
			s.deafUntilNow() // a database that takes no send takes no status
		}
		return Next{After: scatter(wait)}, err
	}
	part.Attempts++
	return s.deliver(ctx, to, part, before)
}

// deliver sends a part whose send was noted as begun after that moment.
func (s *Service) deliver(ctx context.Context, to Identity, part Part, before time.Time) (Next, error) {
	if s.tooLate(before) {
		s.options.Log.WarnContext(ctx, "a send was held up for so long that it is left to whoever sends it again",
			slog.String("part", part.ID))
		return Next{After: s.options.ResendAfter}, nil
	}
	// What has begun is finished, within the client's time-out: a send that is
	// cut off leaves everybody in doubt.
	ctx = context.WithoutCancel(ctx)
	wamid, err := s.graph.Send(ctx, Outgoing{
		PhoneNumberID: part.PhoneNumberID,
		To:            to,
		Body:          part.Body,
		ReplyTo:       part.ReplyTo,
		Button:        part.Button,
		Callback:      part.ID,
	})
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	var refusal *Refusal
	switch {
	case err == nil:
		return Next{}, s.accepted(ctx, part, wamid)
	case errors.As(err, &refusal):
		return s.refused(ctx, part, *refusal)
	default:
		s.observe(OutcomeUnknown, 0)
		s.options.Log.WarnContext(ctx, "a send's outcome is unknown; waiting for its status",
			slog.String("part", part.ID), slog.Any("error", err))
		return Next{After: s.options.ResendAfter}, nil
	}
}

// tooLate reports whether a send must not go on: it has to end before others
// take it for lost and send it again, and the Graph API's client may take the
// other half of that time. We may have stood still since, or the machine, and
// only one of the clocks goes on while a machine does.
func (s *Service) tooLate(before time.Time) bool {
	took := max(time.Since(before), time.Now().Round(0).Sub(before.Round(0)))
	return took > s.options.ResendAfter/2
}

func (s *Service) accepted(ctx context.Context, part Part, wamid string) error {
	s.observe(OutcomeAccepted, 0)
	opened, err := s.outbox.Accept(ctx, part.ID, wamid)
	if opened {
		s.options.Log.WarnContext(ctx, "sending has resumed", slog.String("number", part.PhoneNumberID))
	}
	return err
}

// refused stores the refusal. An operator is called once for a closing of the
// gate, and not by each of the sends that were refused along with it.
func (s *Service) refused(ctx context.Context, part Part, refusal Refusal) (Next, error) {
	outcome, err := s.outbox.Refuse(ctx, part, refusal)
	if err != nil {
		return Next{}, err
	}
	level, told := slog.LevelWarn, OutcomeRefused
	if outcome.Closed && refusal.Reaction == Stop {
		level = slog.LevelError
	}
	if outcome.GivenUp {
		told = OutcomeGivenUp
	}
	s.observe(told, refusal.Code)
	s.options.Log.Log(ctx, level, "the Graph API refused a message",
		slog.String("part", part.ID), slog.String("number", part.PhoneNumberID),
		slog.Bool("closed", outcome.Closed), slog.Any("error", &refusal))
	return Next{After: outcome.Wait}, nil
}

func (s *Service) observe(outcome Outcome, code int) {
	if s.options.Observe != nil {
		s.options.Observe(outcome, code)
	}
}

// observeFailures counts failures, and calls an operator where only they can
// mend what failed: once for a webhook, and not for each message in it.
func (s *Service) observeFailures(ctx context.Context, statuses []Status) {
	stopped := 0
	for _, status := range statuses {
		if status.Delivery != Failed {
			continue
		}
		s.observe(OutcomeFailed, status.ErrorCode)
		if status.ErrorCode != 0 && ReactionTo(status.ErrorCode, GiveUp) == Stop {
			stopped = status.ErrorCode
		}
	}
	if stopped != 0 {
		s.options.Log.ErrorContext(ctx, "Meta reports that messages fail until an operator mends it", slog.Int("code", stopped))
	}
}
