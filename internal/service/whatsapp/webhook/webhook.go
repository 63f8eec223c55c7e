// Package webhook decides how Meta's WhatsApp webhooks are read: whether the
// signature is right, and which messages, statuses and events a body contains.
//
// It turns bytes into a [Batch]. Storing the batch, and every rule about what
// to do with it, belongs to package whatsapp.
package webhook

import (
	"time"

	"aisha/internal/sensitive"
)

// RetryPeriod is how long Meta retries the delivery of a webhook before it
// drops it. Everything that must still be recognised when a delivery is late is
// kept for longer than this.
//
// Source: "Webhooks", https://developers.facebook.com/docs/graph-api/webhooks/getting-started
const RetryPeriod = 7 * 24 * time.Hour

// ClockSkew is how far Meta's clock may differ from ours.
const ClockSkew = time.Hour

// TypeUnavailable is the Type of a message that WhatsApp delivered without its
// content. Meta sends such a message with the type unsupported and an error of
// code 131060, for example when it cannot decrypt the message.
const TypeUnavailable = "unavailable"

// Identity names a person as a webhook does. At least one of BSUID and WaID is
// set.
type Identity struct {
	BSUID string          // Meta's business-scoped user id, for example KE.13491208655302741918; permanent
	WaID  sensitive.Phone // digits of the phone number without a plus; may be absent or change
	Name  sensitive.Text  // profile name; may be empty
}

// Message is a message that a person sent to one of our numbers.
type Message struct {
	WAMID         string // Meta's message id; unique among the messages of SentHour
	PhoneNumberID string // Meta's id of our number that received it
	Sender        Identity
	Type          string         // Meta's name of the type: text, image, …; or TypeUnavailable
	Text          sensitive.Text // the content as text, with notes (see WithoutNotes); empty for a type without text
	Media         Media          // the attached file, if any
	QuotedWAMID   string         // message that this one replies to; empty for none
	SentAt        time.Time      // Meta's timestamp, or the time of receipt if Meta sent none that can be read
	SentHour      time.Time      // the hour of Meta's timestamp, or the first of 1970, so that every copy of a message has the same
	Raw           []byte         // as it was received
}

// Media is a file stored by Meta, which is downloaded by its id.
type Media struct {
	ID       string // empty: no file
	MIMEType string
	SHA256   string // of the content, in base64; empty where Meta omits it
	Filename sensitive.Text
}

// Edit replaces the text of a message. It counts only for a message of Sender.
type Edit struct {
	WAMID         string   // of the original message
	PhoneNumberID string   // Meta's id of our number that received it
	Sender        Identity // zero where Meta does not name them: then WAMID alone decides
	Text          sensitive.Text
	EditedAt      time.Time // Meta's timestamp, or the time of receipt if Meta sent none that can be read; zero for one that cannot be right
}

// Revoke says that a message was deleted. It counts only for a message of Sender.
type Revoke struct {
	WAMID  string   // of the original message
	Sender Identity // zero where Meta does not name them: then WAMID alone decides
}

// IdentityChange says that From is now known as To.
type IdentityChange struct {
	From, To Identity
	At       time.Time // Meta's timestamp, or the time of receipt if Meta sent none that can be read
}

// Echo is a copy of a message that was sent from one of our numbers: by an
// employee on the business's own phone, or by us.
type Echo struct {
	To     Identity
	WAMID  string         // of the message; empty where Meta omits it
	Text   sensitive.Text // of the message; empty for a type without text
	SentAt time.Time      // Meta's timestamp, or the time of receipt if Meta sent none that can be read
	Pause  time.Duration  // how long the assistant stays silent; set by package whatsapp
	Raw    []byte         // as it was received
}

// Preference is a person's choice to get no more messages, or to get them again.
// They make it in WhatsApp's settings, or by a message such as STOP, for which
// package whatsapp adds the preference.
type Preference struct {
	Who           Identity
	PhoneNumberID string         // our number that it concerns
	OptOut        bool           // true: stop messages; false: resume
	At            time.Time      // when they made it, by Meta's clock, or the time of receipt if Meta sent none that can be read
	WAMID         string         // of the message that made it; empty for one in the settings
	SentHour      time.Time      // of that message
	Confirmation  sensitive.Text // sent once where it changes anything; set by package whatsapp
	Raw           []byte         // as it was received; nil for one that a message made
}

// State is the delivery state that a status reports.
type State string

// The states that are handled. A message that failed can still be delivered
// later.
const (
	StateSent      State = "sent"
	StateFailed    State = "failed"
	StateDelivered State = "delivered"
	StateRead      State = "read"
)

// Status reports the delivery state of a message that we sent.
type Status struct {
	WAMID     string
	Callback  string // our biz_opaque_callback_data; empty where Meta omits it
	Recipient Identity
	State     State
	ErrorCode int // Meta's code where State is StateFailed; 0 for none
}

// UnhandledItem is an item that nothing handles, as it was received.
type UnhandledItem struct {
	Field  string // of the change: messages, account_update, …; empty where it is unreadable
	Reason string
	Raw    []byte
}
