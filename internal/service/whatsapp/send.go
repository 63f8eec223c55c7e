package whatsapp

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"time"
)

const (
	// waitAll is the pause after an answer that asks everybody to wait without
	// saying how long.
	waitAll = 5 * time.Second
	// waitStopped is how often it is tried whether an operator has mended what
	// stopped all sending.
	waitStopped = 30 * time.Second
	// storeTimeout bounds how long the outcome of a send is tried to be stored.
	// Where that fails the outcome is unknown and a status settles it.
	storeTimeout = 10 * time.Second
	// maxWaitPerson bounds the back-off for one person.
	maxWaitPerson = 10 * time.Minute
)

// send sends the parts in order and stops at the first whose outcome must be
// waited for, so that a person never gets a later part before an earlier one.
func (s *Service) send(ctx context.Context, to Identity, parts []Part) (Next, error) {
	for _, part := range parts {
		next, err := s.sendPart(ctx, to, part)
		if errors.Is(err, ErrOvertaken) {
			return Next{}, nil // look again
		}
		if err != nil || next.After > 0 {
			return next, err
		}
	}
	return Next{}, nil
}

func (s *Service) sendPart(ctx context.Context, to Identity, part Part) (Next, error) {
	if part.Delivery == Sending && part.Since < s.options.ResendAfter {
		// A send began and its outcome is unknown. A status webhook settles it;
		// only if none comes is it sent again.
		return Next{After: s.options.ResendAfter - part.Since}, nil
	}
	if err := s.outbox.BeginSend(ctx, part); err != nil {
		return Next{}, err
	}
	wamid, err := s.graph.Send(ctx, Outgoing{
		PhoneNumberID: part.PhoneNumberID,
		To:            to,
		Body:          part.Body,
		ReplyTo:       part.ReplyTo,
		Callback:      part.ID,
	})
	// What the Graph API said must be stored even if the caller is stopping.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err == nil {
		return Next{}, s.outbox.Accept(ctx, part.ID, wamid)
	}
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		s.options.Log.WarnContext(ctx, "a send's outcome is unknown; waiting for its status",
			slog.String("part", part.ID), slog.Any("error", err))
		return Next{After: s.options.ResendAfter}, nil
	}
	return s.refused(ctx, part, *refusal)
}

func (s *Service) refused(ctx context.Context, part Part, refusal Refusal) (Next, error) {
	if refusal.Reaction == RetryTwice && part.Attempts >= 2 {
		refusal.Reaction = GiveUp
	}
	level := slog.LevelWarn
	if refusal.Reaction == Stop {
		level = slog.LevelError
	}
	s.options.Log.Log(ctx, level, "the Graph API refused a message", slog.String("part", part.ID), slog.Any("error", &refusal))
	if err := s.outbox.Refuse(ctx, part.ID, refusal); err != nil {
		return Next{}, err
	}
	return Next{After: pause(refusal, part.Attempts+1)}, nil
}

// pause is how long to wait before the next attempt; zero after giving up.
// Meta asks for 4^attempts seconds where one person gets too much.
func pause(refusal Refusal, attempts int) time.Duration {
	if refusal.Reaction == GiveUp {
		return 0
	}
	wait := waitAll
	switch refusal.Reaction {
	case WaitPerson, RetryTwice:
		wait = min(time.Duration(math.Pow(4, float64(min(attempts, 6))))*time.Second, maxWaitPerson)
	case Stop:
		wait = waitStopped
	}
	return max(wait, refusal.RetryAfter)
}
