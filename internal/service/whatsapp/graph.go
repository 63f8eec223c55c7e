package whatsapp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

// ErrNoMedia means that a file can never be downloaded: it is gone, too large,
// or differs from its description.
var ErrNoMedia = errors.New("file is not available")

// Graph is Meta's Graph API.
type Graph interface {
	// Send sends a message and returns its wamid. The error is one of:
	//
	//   - *[Refusal]: the Graph API answered that it did not send the message
	//   - *[UnknownOutcome]: the message may or may not have been sent
	Send(ctx context.Context, message OutgoingMessage) (wamid string, err error)
	// MarkRead shows the person that their message was read and that an answer
	// is being typed. The typing indicator disappears after 25 seconds.
	MarkRead(ctx context.Context, phoneNumberID, wamid string) error
	// DescribeFile returns where a file is that a person sent to the number, and
	// its size. Errors: [ErrNoMedia] where a retry cannot help, a fault where it
	// can.
	DescribeFile(ctx context.Context, phoneNumberID string, media webhook.Media) (RemoteFile, error)
	// Download returns a file of at most file.Size bytes. The description must
	// be less than five minutes old. Errors: as DescribeFile.
	Download(ctx context.Context, file RemoteFile) ([]byte, error)
}

// RemoteFile is a file that has not been downloaded.
type RemoteFile struct {
	URL    sensitive.Secret // contains a key for the file
	Size   int64            // in bytes; 0 where the Graph API does not say
	SHA256 string           // as in webhook.Media
}

// OutgoingMessage is one message to a person.
type OutgoingMessage struct {
	PhoneNumberID string           // our number that it is sent from
	To            webhook.Identity // the phone number is used where there is one
	Body          sensitive.Text
	QuotedWAMID   string // message that this one quotes; empty for none
	Button        string // title of the reply button; empty for none
	Callback      string // our id, which Meta returns in the statuses of the message
}

// Refusal is a response of the Graph API which says that a message was not
// sent.
type Refusal struct {
	Reaction   Reaction
	Code       int // Meta's error code; 0 where the response has none
	HTTPStatus int
	RetryAfter time.Duration // where Meta sent one
	Detail     string        // Meta's text without the person's number or words, for the log
}

// Error returns the text for the log.
func (r *Refusal) Error() string {
	return fmt.Sprintf("graph api refused the message: status %d, code %d: %s", r.HTTPStatus, r.Code, r.Detail)
}

// HoldsNumber reports whether the refusal concerns the number and not just the
// message.
func (r *Refusal) HoldsNumber() bool {
	return r.Reaction == HoldNumber || r.Reaction == HoldForOperator
}

// UnknownOutcome means that a message may or may not have been sent: the
// connection broke, or the response was late or unreadable.
type UnknownOutcome struct{ Cause error }

// Error returns the text for the log.
func (u *UnknownOutcome) Error() string { return "outcome of the send is unknown: " + u.Cause.Error() }

// Unwrap returns the cause.
func (u *UnknownOutcome) Unwrap() error { return u.Cause }
