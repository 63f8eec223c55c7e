package whatsapp

import (
	"context"
	"math/rand/v2"
	"time"
)

// The gate of a number is closed by a refusal that concerns everybody. While
// it is closed messages come in and are answered as ever, and the answers wait.
// It opens by itself: after a pause one part is let through, and what becomes
// of that part opens the gate or closes it for longer.
const (
	// firstWait and firstStop are the pauses after the first closing in a row:
	// a busy server recovers in seconds, a token is renewed by a person.
	firstWait = 5 * time.Second
	firstStop = 30 * time.Second
	// longestPause bounds how late it is noticed that things work again.
	longestPause = 5 * time.Minute
)

// Gate is one of our numbers that nothing goes out from at the moment.
type Gate struct {
	PhoneNumberID string
	Stopped       bool          // an operator has to mend it; otherwise it passes by itself
	Code          int           // Meta's, of the newest refusal
	Reason        string        // its text, for the operator
	Closings      int           // in a row, without a success between them
	ClosedFor     time.Duration // since the first of them
	ResumesIn     time.Duration // until a part is let through to try
}

// SendingState is whether our answers go out.
type SendingState struct {
	Closed []Gate // in good times there is none
}

func (s *Service) sending(ctx context.Context) (SendingState, error) {
	closed, err := s.outbox.Gates(ctx)
	return SendingState{Closed: closed}, err
}

// ForAll reports whether the refusal closes the gate of the number.
func (r *Refusal) ForAll() bool { return r.Reaction == WaitAll || r.Reaction == Stop }

// Pause is for how long the refusal closes the gate, which it or others like it
// have closed that many times in a row before. Chance spreads those that wait.
func (r *Refusal) Pause(closings int) time.Duration {
	pause := firstWait
	if r.Reaction == Stop {
		pause = firstStop
	}
	const doublings = 6 // enough to pass longestPause
	pause = min(pause<<min(closings, doublings), longestPause)
	return max(scatter(pause), r.RetryAfter)
}

// scatter makes a pause longer by up to a quarter, so that not everybody comes
// back at once.
func scatter(pause time.Duration) time.Duration {
	return pause + rand.N(pause/4+1)
}
