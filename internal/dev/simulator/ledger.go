package simulator

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Ledger lists everything that people wrote and that the service sent and
// called, oldest first. Tests compare it with what the service should have done.
type Ledger struct {
	Inbound    []Inbound
	Outbound   []Outbound
	ReadCalls  []ReadCall
	ModelCalls []ModelCall
	Counts     Counts
}

// Inbound is a message of a person to the service.
type Inbound struct {
	Seq    int64 // orders all messages of both directions
	WAMID  string
	Person Person
	Kind   string // Meta's name of the type: text, image, …
	Text   string
	At     time.Time

	Attempts       int       // how often its webhook was posted
	AcknowledgedAt time.Time // when the service first responded with 200; zero before that
	ReadAt         time.Time // when the service marked it, or a later message, as read

	Reaction  string    // emoji with which the person reacted to it
	EditedAt  time.Time // when the person last changed its text
	DeletedAt time.Time // when the person deleted it for everyone

	content object    // members of the webhook's message: that of its type, context
	file    *fileView // nil if the message has no stored file
}

// Status is the delivery status of a message to a person.
type Status string

// The statuses in the order in which a message gets them. A message ends with
// StatusRead, StatusFailed or StatusLost. Accepted and lost are the simulator's
// own: Meta sends no webhook for them.
const (
	StatusAccepted  Status = "accepted"
	StatusSent      Status = "sent"
	StatusDelivered Status = "delivered"
	StatusRead      Status = "read"
	StatusFailed    Status = "failed" // reported to the service by a status webhook
	StatusLost      Status = "lost"   // accepted but never delivered, and no webhook reports it
)

// Outbound is a message that the Graph API accepted. Two calls with the same
// content make two messages, as they do at Meta.
type Outbound struct {
	Seq           int64
	WAMID         string
	Person        Person
	PhoneNumberID string
	To            string // "to" of the request
	Recipient     string // "recipient" of the request
	Body          string
	Buttons       []Button
	Callback      string // biz_opaque_callback_data
	ContextID     string // wamid of the message that it quotes
	At            time.Time

	Status    Status
	ErrorCode int    // Meta's code if Status is StatusFailed
	Reaction  string // emoji with which the person reacted to it

	// fromBusinessPhone is true of a message that an employee wrote in the
	// WhatsApp Business app. A ledger does not list it.
	fromBusinessPhone bool
}

// ReadCall is a call that marked a message as read.
type ReadCall struct {
	WAMID  string
	Typing bool // the call also asked for the typing indicator
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

// Counts are totals since the start. Unlike the lists of a Ledger they are not
// bounded.
type Counts struct {
	Inbound         int
	Acknowledged    int // inbound messages whose webhook got a 200
	Outbound        int
	ReadCalls       int
	ModelCalls      int
	WebhookAttempts int
	GraphErrors     int // calls that got an error response
	ModelErrors     int // prompts that got an error response
	Pending         int // deliveries of messages and statuses that are not finished
}

// SentTo returns the messages of the service to a person. It finds the person by
// user id or else by phone number.
func (l Ledger) SentTo(p Person) []Outbound {
	number := normalizePhone(p.Phone)
	var sent []Outbound
	for _, out := range l.Outbound {
		if out.Person.UserID == p.UserID || p.UserID == "" && out.Person.Phone == number {
			sent = append(sent, out)
		}
	}
	return sent
}

// Ledger returns a copy of the ledger. Its lists are bounded: the last thousand
// messages of each person and direction, and the last ten thousand calls.
func (s *Simulator) Ledger() Ledger {
	ledger, _ := s.store.snapshot()
	return ledger
}

// WaitFor checks the ledger after each change and returns nil when wanted is
// true. It returns an error if ctx ends first.
func (s *Simulator) WaitFor(ctx context.Context, wanted func(Ledger) bool) error {
	for {
		ledger, changed := s.store.snapshot()
		if wanted(ledger) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("simulator: wait for the ledger, last counts %+v: %w", ledger.Counts, ctx.Err())
		}
	}
}

// snapshot also returns a channel that is closed at the next change.
func (st *store) snapshot() (Ledger, <-chan struct{}) {
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
			if !out.fromBusinessPhone {
				l.Outbound = append(l.Outbound, *out)
			}
		}
	}
	slices.SortFunc(l.Inbound, func(a, b Inbound) int { return cmp.Compare(a.Seq, b.Seq) })
	slices.SortFunc(l.Outbound, func(a, b Outbound) int { return cmp.Compare(a.Seq, b.Seq) })
	return l, st.changed
}
