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

// SendingStatus summarizes the send holds of all numbers.
type SendingStatus string

// The statuses.
const (
	SendingOpen    SendingStatus = "open"    // no number is held
	SendingWaiting SendingStatus = "waiting" // numbers are held; the hold ends by itself, or other numbers send
	SendingStopped SendingStatus = "stopped" // our number, or each of them, is held for an operator
)

func (s *Service) sendingState(ctx context.Context) (SendingStatus, error) {
	holds, err := s.outbox.SendHolds(ctx)
	switch {
	case err != nil:
		return "", err
	case s.isStopped(holds):
		return SendingStopped, nil
	case len(holds) > 0:
		return SendingWaiting, nil
	default:
		return SendingOpen, nil
	}
}

// isStopped reports whether our configured number is held for an operator.
// Where none is configured, that is each number from which this instance has
// sent a message since its start, or else any number.
func (s *Service) isStopped(holds []SendHold) bool {
	held := make(map[string]bool)
	for _, hold := range holds {
		if hold.NeedsOperator {
			held[hold.PhoneNumberID] = true
		}
	}
	if s.options.PhoneNumberID != "" {
		return held[s.options.PhoneNumberID]
	}
	stopped := len(held) > 0
	s.sendingNumbers.Range(func(phoneNumberID, _ any) bool {
		stopped = stopped && held[phoneNumberID.(string)]
		return stopped
	})
	return stopped
}
