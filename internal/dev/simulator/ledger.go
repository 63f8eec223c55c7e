package simulator

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Inbound is a message that a person sent to the service.
type Inbound struct {
	Seq    int64 // its place among all messages of both directions
	WAMID  string
	Person Person
	Kind   string // Meta's name of the type: text, image, …
	Text   string
	At     time.Time

	Attempts       int       // how often its webhook was posted
	AcknowledgedAt time.Time // the first 200; zero until then
	ReadAt         time.Time // when the service marked it, or a later one, as read
}

// State is how far a message to a person has come.
type State string

// The states, in order. Failed and Lost are ends of their own.
const (
	Accepted  State = "accepted"
	Sent      State = "sent"
	Delivered State = "delivered"
	Read      State = "read"
	Failed    State = "failed" // a status webhook says so
	Lost      State = "lost"   // accepted, never delivered, and nobody is told
)

// Outbound is a message that the Graph API accepted. Two calls with the same
// content are two messages, as they are at Meta.
type Outbound struct {
	Seq           int64
	WAMID         string
	Person        Person
	PhoneNumberID string
	To            string // as it was given
	Recipient     string // as it was given
	Body          string
	Buttons       []Button
	Callback      string // biz_opaque_callback_data
	ContextID     string // wamid of the message it quotes
	At            time.Time

	State     State
	ErrorCode int // of a failed one
}

// ReadCall is a call that marked a message as read.
type ReadCall struct {
	WAMID  string
	Typing bool // it also asked for the typing indicator
	At     time.Time
}

// ModelCall is a prompt that the model answered.
type ModelCall struct {
	Model        string
	Stream       bool
	Instructions string
	EarlierTurns int
	Prompt       string // the text of the last turn
	At           time.Time
}

// Counts are totals since the start; unlike the lists they forget nothing.
type Counts struct {
	Inbound         int
	Acknowledged    int // inbound messages whose webhook got its 200
	Outbound        int
	ReadCalls       int
	ModelCalls      int
	WebhookAttempts int
	GraphRefused    int // calls that got an error
	ModelRefused    int
	Pending         int // deliveries that go on, statuses included; zero when all is quiet
}

// Ledger is what happened so far, oldest first.
type Ledger struct {
	Inbound    []Inbound
	Outbound   []Outbound
	ReadCalls  []ReadCall
	ModelCalls []ModelCall
	Counts     Counts
}

// SentTo is what the service sent to a person, who is found by user id or else
// by number.
func (l Ledger) SentTo(p Person) []Outbound {
	number := bareNumber(p.Phone)
	var sent []Outbound
	for _, out := range l.Outbound {
		if out.Person.UserID == p.UserID || p.UserID == "" && out.Person.Phone == number {
			sent = append(sent, out)
		}
	}
	return sent
}

// Ledger is a copy of what happened so far. The lists are bounded: the last
// thousand messages of each person, the last ten thousand calls.
func (s *Simulator) Ledger() Ledger {
	ledger, _ := s.store.ledger()
	return ledger
}

// WaitFor returns nil as soon as the ledger is as wanted, looking again after
// each change, and an error when ctx ends before that.
func (s *Simulator) WaitFor(ctx context.Context, wanted func(Ledger) bool) error {
	for {
		ledger, changed := s.store.ledger()
		if wanted(ledger) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("simulator: waited in vain, with %+v: %w", ledger.Counts, ctx.Err())
		}
	}
}

// ledger also returns a channel that is closed at the next change.
func (st *store) ledger() (Ledger, <-chan struct{}) {
	st.mu.Lock()
	defer st.mu.Unlock()
	l := Ledger{
		ReadCalls:  slices.Clone(st.readCalls),
		ModelCalls: slices.Clone(st.modelCalls),
		Counts:     st.counts,
	}
	for _, c := range st.people {
		for _, in := range c.inbound {
			l.Inbound = append(l.Inbound, *in)
		}
		for _, out := range c.outbound {
			l.Outbound = append(l.Outbound, *out)
		}
	}
	slices.SortFunc(l.Inbound, func(a, b Inbound) int { return cmp.Compare(a.Seq, b.Seq) })
	slices.SortFunc(l.Outbound, func(a, b Outbound) int { return cmp.Compare(a.Seq, b.Seq) })
	return l, st.changed
}
