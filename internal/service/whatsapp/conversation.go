package whatsapp

import (
	"errors"
	"strings"
	"time"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

var (
	// ErrUnstorable means that the database will never accept a value.
	ErrUnstorable = errors.New("value cannot be stored")
	// ErrLocked means that another worker holds a person's lock.
	ErrLocked = errors.New("another worker holds the lock of this person")
	// ErrAlreadyDone means that another worker has done a step already.
	ErrAlreadyDone = errors.New("another worker has done this already")
)

// Person is a person on WhatsApp, with everything that can delay an answer.
type Person struct {
	webhook.Identity
	OptedOut            bool      // they sent STOP
	ChoiceAt            time.Time // when they last chose to stop or resume messages, by Meta's clock; zero for never
	Paused              bool      // an employee talks to them, or they are a machine
	HintedRecently      bool      // they got the hint about readable messages within HintInterval
	Listed              bool      // their number is on the waiting list
	UnconfirmedEntry    bool      // the entry of their number is not verified, and they were not asked about it
	JoinOfferedRecently bool      // they were offered to join it within JoinOfferInterval
	RecentAnswers       int       // within MachineSpan, counted up to MachineAnswers
}

// UnansweredMessage is a message that has no answer yet.
type UnansweredMessage struct {
	ID            int64
	WAMID         string
	PhoneNumberID string
	Type          string
	Text          sensitive.Text
	Media         webhook.Media
	QuotedText    sensitive.Text // text of the message it replies to, where it is known
	Revoked       bool           // it needs no answer: its sender deleted it, or see ignoreChoices
	SentAt        time.Time      // by Meta's clock
	Age           time.Duration  // since it was stored, by the database's clock
	SentAgo       time.Duration  // since it was sent, by Meta's clock; at least Age
	HoldRemaining time.Duration  // of its number's send hold; zero for none
}

// Delivery is how far an answer part has come. It only moves forward, in the
// order of the constants; see the state machine in package whatsappdb.
type Delivery string

// The states of a part. Meta reports those from Sent on. A part that failed can
// still be delivered later.
const (
	Unsent    Delivery = "unsent"
	Sending   Delivery = "sending"  // a send began and its outcome is not stored yet
	Accepted  Delivery = "accepted" // the Graph API returned a wamid
	Sent      Delivery = "sent"
	Failed    Delivery = "failed"
	Delivered Delivery = "delivered"
	Read      Delivery = "read"
)

// AnswerPart is one WhatsApp message of an answer.
type AnswerPart struct {
	ID            string // sent as biz_opaque_callback_data
	PhoneNumberID string
	Body          sensitive.Text
	QuotedWAMID   string // message that it quotes; empty for none
	Button        string // title of its reply button; empty for none
	Delivery      Delivery
	Attempts      int           // sends that began
	SinceAttempt  time.Duration // since the latest of them, by the database's clock
}

// Due is everything left to do for a person.
type Due struct {
	Person   Person
	Parts    []AnswerPart        // to send, in order, before new messages are answered
	Messages []UnansweredMessage // to answer together, in the order in which they were sent
	History  []Turn              // earlier turns, oldest first; empty without messages
}

// Turn is what a person asked and what they were answered.
type Turn struct {
	Question sensitive.Text
	Answer   sensitive.Text
}

// Question is what the model is asked.
type Question struct {
	Instructions string
	History      []Turn // oldest first
	Text         sensitive.Text
	Files        []File
}

// File is a file that belongs to a question.
type File struct {
	MIMEType string
	Data     []byte
}

// Completion is a text from the model, or a fixed sentence, which has no Model.
type Completion struct {
	Text           sensitive.Text
	Model          string
	Truncated      bool // the model stopped at its token limit and has more to say
	PromptTokens   int
	ResponseTokens int
}

// Answer is one answer to one or more messages of a person. An answer without
// parts means that the messages need none: they count as answered.
type Answer struct {
	PersonID      int64
	PhoneNumberID string
	MessageIDs    []int64
	Completion    Completion
	Parts         []NewPart
	BeginSend     bool             // begin the send of the first part to Recipient, unless something delays it
	Recipient     webhook.Identity // of the person, as Due returned it
	Effect        Effect
}

// NewPart is a part of an answer before it is stored.
type NewPart struct {
	Body        sensitive.Text
	QuotedWAMID string
	Button      string
}

// Effect is a change to the person that is stored together with an answer. Its
// values are used in SQL.
type Effect string

// The effects.
const (
	NoEffect  Effect = ""
	Hint      Effect = "hint"       // they got the hint about readable messages
	Mute      Effect = "mute"       // is a machine: no answers for MuteDuration
	OfferJoin Effect = "offer_join" // was offered to join the waiting list, or asked whether they want to be on it
)

// label names a message by its type and its file.
func label(m UnansweredMessage) string {
	return "[" + joinNonEmpty(m.Type, m.Media.Filename.Reveal()) + "]"
}

// joinNonEmpty joins two texts with a space, unless one of them is empty.
func joinNonEmpty(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}

// questionText joins the texts of the messages. A message without text is named
// by its type, so that the model knows that it exists.
func questionText(messages []UnansweredMessage) sensitive.Text {
	var lines []string
	for _, m := range messages {
		if m.Revoked {
			continue
		}
		line := m.Text.Reveal()
		if line == "" || m.Media.ID != "" {
			line = joinNonEmpty(label(m), line)
		}
		if !m.QuotedText.IsZero() {
			line = "(in reply to “" + m.QuotedText.Truncate(maxQuotedText).Reveal() + "”) " + line
		}
		lines = append(lines, line)
	}
	return sensitive.NewText(strings.Join(lines, "\n"))
}
