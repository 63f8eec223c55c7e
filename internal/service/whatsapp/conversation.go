package whatsapp

import (
	"errors"
	"strings"
	"time"

	"aisha/internal/sensitive"
)

// ErrLocked means that another worker holds a person's lock.
var ErrLocked = errors.New("another worker works for this person")

// ErrOvertaken means that another worker has done the step already.
var ErrOvertaken = errors.New("another worker has done this already")

// Waiting is a message without an answer.
type Waiting struct {
	ID            int64
	WAMID         string
	PhoneNumberID string
	Kind          string
	Text          sensitive.Text
	Age           time.Duration // since it was stored, by the database's clock
}

// Part is one message of an answer.
type Part struct {
	ID            string // travels as biz_opaque_callback_data
	PhoneNumberID string
	Body          sensitive.Text
	ReplyTo       string // wamid that it quotes; empty for none
	Delivery      Delivery
	Attempts      int           // sends begun so far
	Since         time.Duration // since the last one, by the database's clock
}

// Due is what is left to do for a person.
type Due struct {
	Person  Identity
	Parts   []Part    // to be sent, in order; before anything new is answered
	Waiting []Waiting // to be answered together, oldest first
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
}

// Words is what the model says.
type Words struct {
	Body           sensitive.Text
	Model          string
	PromptTokens   int
	ResponseTokens int
}

// Answer is one answer to one or more messages of a person.
type Answer struct {
	PersonID      int64
	PhoneNumberID string
	MessageIDs    []int64
	Words         Words
	Parts         []OutgoingPart
}

// OutgoingPart is a part before it is stored.
type OutgoingPart struct {
	Body    sensitive.Text
	ReplyTo string
}

// said joins the words of the messages. What has none is named by its kind, so
// that the model knows that there was something.
func said(messages []Waiting) sensitive.Text {
	lines := make([]string, 0, len(messages))
	for _, m := range messages {
		if m.Text.IsZero() {
			lines = append(lines, "["+m.Kind+"]")
			continue
		}
		lines = append(lines, m.Text.Reveal())
	}
	return sensitive.NewText(strings.Join(lines, "\n"))
}

// wordless reports whether none of the messages has words.
func wordless(messages []Waiting) bool {
	for _, m := range messages {
		if strings.TrimSpace(m.Text.Reveal()) != "" {
			return false
		}
	}
	return true
}
