package whatsapp

import (
	"errors"
	"strings"
	"time"

	"aisha/internal/sensitive"
)

// ErrUnstorable means that something can never be stored as it is.
var ErrUnstorable = errors.New("this cannot be stored")

// ErrLocked means that another worker holds a person's lock.
var ErrLocked = errors.New("another worker works for this person")

// ErrOvertaken means that another worker has done the step already.
var ErrOvertaken = errors.New("another worker has done this already")

// Person is who we talk to, and what holds an answer back.
type Person struct {
	Identity
	OptedOut bool // they said STOP
	Paused   bool // somebody of ours talks to them, or they are a machine
	Hinted   bool // they were told lately what can be read
	Listed   bool // their number is on the waiting list
	Invited  bool // they were lately offered to join it
	Recent   int  // answers that they got within MachineSpan, up to MachineAnswers
}

// Waiting is a message without an answer.
type Waiting struct {
	ID            int64
	WAMID         string
	PhoneNumberID string
	Kind          string
	Text          sensitive.Text
	Media         Media
	Quoted        sensitive.Text // the words of the message it replies to, if we know them
	Revoked       bool           // its sender took it back
	Age           time.Duration  // since it was stored, by the database's clock
	SentAgo       time.Duration  // since it was sent, by Meta's clock; at least Age
	Held          time.Duration  // until the gate of the number that was written to lets a part through; zero: it is open
}

// Part is one message of an answer.
type Part struct {
	ID            string // travels as biz_opaque_callback_data
	PhoneNumberID string
	Body          sensitive.Text
	ReplyTo       string // wamid that it quotes; empty for none
	Button        string // what the reply button under it says; empty for none
	Delivery      Delivery
	Attempts      int           // sends begun so far
	Since         time.Duration // since the last one, by the database's clock
}

// Due is what is left to do for a person.
type Due struct {
	Person  Person
	Parts   []Part     // to be sent, in order; before anything new is answered
	Waiting []Waiting  // to be answered together, in the order in which they were sent
	History []Exchange // what was said before that, oldest first; empty where nothing waits
}

// Exchange is what a person said and what they were answered.
type Exchange struct {
	Said     sensitive.Text
	Answered sensitive.Text
}

// Question is what the model is asked.
type Question struct {
	Instructions string
	History      []Exchange // oldest first
	Said         sensitive.Text
	Files        []File // that came with what was said
}

// File is a file's bytes.
type File struct {
	MIMEType string
	Data     []byte
}

// Words is what the model says.
type Words struct {
	Body           sensitive.Text
	Model          string
	PromptTokens   int
	ResponseTokens int
}

// Answer is one answer to one or more messages of a person. One without parts
// is silence: the messages need none, and are settled by it all the same.
type Answer struct {
	PersonID      int64
	PhoneNumberID string
	MessageIDs    []int64
	Words         Words
	Parts         []OutgoingPart
	Begin         bool // the send of the first part, if nothing holds it back
	Effect        Effect
}

// Effect is what an answer changes about its person, in the same transaction.
type Effect uint8

// The effects.
const (
	NoEffect Effect = iota
	OptOut          // no more answers
	OptIn           // answers again
	Hint            // they were told what can be read
	Mute            // they are a machine: be silent for a while
	Invite          // they were offered to join the waiting list
)

// OutgoingPart is a part before it is stored.
type OutgoingPart struct {
	Body    sensitive.Text
	ReplyTo string
	Button  string
}

// said joins the words of the messages. What has none is named by its kind, so
// that the model knows that there was something.
func said(messages []Waiting) sensitive.Text {
	var lines []string
	for _, m := range messages {
		if m.Revoked {
			continue
		}
		line := m.Text.Reveal()
		if line == "" || m.Media.ID != "" {
			line = joined(" ", "["+joined(" ", m.Kind, m.Media.Name.Reveal())+"]", line)
		}
		if !m.Quoted.IsZero() {
			line = "(in reply to “" + shorten(m.Quoted.Reveal(), maxQuoted) + "”) " + line
		}
		lines = append(lines, line)
	}
	return sensitive.NewText(strings.Join(lines, "\n"))
}

// maxQuoted bounds what the model is told of a message that another quotes, in
// bytes.
const maxQuoted = 500
