package whatsapp

import (
	"context"
	"time"
)

// SendHold means that nothing is sent from one of our numbers at the moment.
//
// A refusal that concerns the number, and not one message, begins a hold. While
// it lasts, messages are received and stored as usual, and are answered after it.
// At RetryIn one part is sent as a probe: if it is accepted the hold ends, and if
// it is refused the hold is extended.
type SendHold struct {
	PhoneNumberID string
	NeedsOperator bool          // an operator has to repair the cause; otherwise it is temporary
	ErrorCode     int           // Meta's, of the latest refusal
	Reason        string        // text of that refusal, for the operator
	HoldsInRow    int           // without an accepted message between them
	Age           time.Duration // since the first of them
	RetryIn       time.Duration // until a probe may be sent
}

// SendingState says which numbers are held.
type SendingState struct {
	Holds []SendHold // empty while everything can be sent
}

func (s *Service) sendingState(ctx context.Context) (SendingState, error) {
	holds, err := s.outbox.SendHolds(ctx)
	return SendingState{Holds: holds}, err
}
