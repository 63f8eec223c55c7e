package whatsapp

import (
	"context"
	"fmt"
	"time"

	"aisha/internal/sensitive"
)

// Outgoing is one message to a person.
type Outgoing struct {
	PhoneNumberID string   // which of our numbers it goes out from
	To            Identity // by phone number where there is one, else by user id
	Body          sensitive.Text
	ReplyTo       string // wamid of the message it quotes; empty for none
	Button        string // what the reply button under it says; empty for none
	Callback      string // our id of it, which comes back with its statuses
}

// Graph is the upstream that sends. The error of Send is one of:
//
//   - *[Refusal]: the Graph API said no and sent nothing
//   - *[Uncertain]: nobody knows whether it was sent
type Graph interface {
	// Send returns Meta's id of the message (its wamid).
	Send(ctx context.Context, message Outgoing) (wamid string, err error)
	// MarkRead shows the person that their message was read and that an answer
	// is being typed; the indicator lives 25 seconds.
	MarkRead(ctx context.Context, phoneNumberID, wamid string) error
	// Media fetches a file of at most limit bytes that a person sent to the
	// number. It returns ErrNoMedia where trying again cannot help, and a fault
	// where it can.
	Media(ctx context.Context, phoneNumberID string, media Media, limit int) ([]byte, error)
}

// Refusal is an answer of the Graph API that says that a message was not sent.
type Refusal struct {
	Reaction   Reaction
	Code       int           // Meta's error code; 0 where the answer had none
	HTTPStatus int           //
	RetryAfter time.Duration // where Meta said so
	Detail     string        // Meta's text, for the log; without the person's number or words
}

// Error is the text for the log.
func (r *Refusal) Error() string {
	return fmt.Sprintf("graph api refused the message: status %d, code %d: %s", r.HTTPStatus, r.Code, r.Detail)
}

// Uncertain is a send whose outcome is unknown: the connection was cut, or the
// answer did not come in time or could not be read.
type Uncertain struct{ Cause error }

// Error is the text for the log.
func (u *Uncertain) Error() string { return "outcome of the send is unknown: " + u.Cause.Error() }

// Unwrap returns the cause.
func (u *Uncertain) Unwrap() error { return u.Cause }
