package whatsapp

import (
	"time"

	"aisha/internal/sensitive"
)

// Identity is who a webhook speaks of. Meta's business-scoped user id names a
// person for good; a phone number is an alias that may be absent or change.
// One of the two is always there.
type Identity struct {
	UserID string          // business-scoped user id, for example KE.13491208655302741918
	Phone  sensitive.Phone // wa_id: the number's digits without a plus
	Name   sensitive.Text  // what the person calls themselves; may be empty
}

// Message is what a person sent us.
type Message struct {
	WAMID         string // Meta's id of the message; unique among those of SentHour
	PhoneNumberID string // which of our numbers was written to
	Sender        Identity
	Kind          string         // Meta's name of the type: text, image, …
	Text          sensitive.Text // what they say, in words; empty for a kind that has none
	Media         Media          // the file that came with it, if any
	Quotes        string         // wamid of the message it replies to; empty for none
	SentAt        time.Time      // by Meta's clock, or now where that cannot be
	SentHour      time.Time      // the hour by Meta's clock, whatever that says: each copy of a message tells the same
}

// Media is a file that Meta keeps for us; it is fetched by its id.
type Media struct {
	ID       string // empty: there is no file
	MIMEType string
	SHA256   string // of the bytes, in base64; empty where Meta left it out
	Name     sensitive.Text
}

// Edit replaces the words of a message that its sender has changed.
type Edit struct {
	WAMID string // of the message as it was first sent
	Text  sensitive.Text
}

// Rename tells that two names are one person's: the one they had and the one
// they have now.
type Rename struct {
	From, To Identity
}

// Echo is a message that somebody of ours sent from the business's phone.
type Echo struct {
	To    Identity
	Pause time.Duration // how long the assistant is silent for them
}

// Preference is a choice that a person made in WhatsApp's own settings.
type Preference struct {
	Who           Identity
	PhoneNumberID string         // which of our numbers it is about
	Stop          bool           // no more messages; false: they are welcome again
	Confirmation  sensitive.Text // what they are told, once
}

// Delivery is how far a message of ours has come. The values are in order:
// a part's delivery moves forward and never back.
type Delivery string

// The deliveries of a part. Unsent and Sending are ours, the others are told
// by Meta. A part that failed may still turn out to have been delivered.
const (
	Unsent    Delivery = "unsent"    // nobody has tried yet
	Sending   Delivery = "sending"   // a send has begun; until its outcome is stored it is unknown
	Accepted  Delivery = "accepted"  // the Graph API took it and named its wamid
	Sent      Delivery = "sent"      // status webhooks, from here on
	Failed    Delivery = "failed"    //
	Delivered Delivery = "delivered" //
	Read      Delivery = "read"      //
)

// Status is what Meta tells about a message of ours.
type Status struct {
	WAMID     string
	Callback  string // our biz_opaque_callback_data; empty where Meta left it out
	Recipient Identity
	Delivery  Delivery
	ErrorCode int // of a failed one
	At        time.Time
}

// Kept is an item of a webhook that nobody acts on, stored as it came.
type Kept struct {
	Field  string // of the change: messages, account_update, …; empty where even that is unreadable
	Reason string // why it is only kept
	Raw    []byte
}

// KeptItem is a Kept as it is stored.
type KeptItem struct {
	ID         int64
	Field      string
	Reason     string
	Raw        sensitive.Text
	ReceivedAt time.Time
}

// Batch is everything that one webhook told.
type Batch struct {
	Messages    []Message
	Statuses    []Status
	Edits       []Edit
	Revokes     []string // wamids of messages that their senders took back
	Renames     []Rename
	Echoes      []Echo
	Preferences []Preference
	Kept        []Kept
}
