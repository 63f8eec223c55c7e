package graphapi

import (
	"cmp"
	"errors"
	"strings"
	"time"
	"unicode"

	"aisha/internal/client/upstream"
	"aisha/internal/service/whatsapp"
)

// maxResponse limits how many bytes of a response are read. Meta's responses
// have less than a kilobyte.
const maxResponse = 64 << 10

// response is an HTTP response, which may have been cut off.
type response struct {
	status     int
	retryAfter time.Duration
	body       []byte
	readErr    error // why the body is incomplete; nil where it is not
}

// acceptedMessage is a message in the response to a send.
type acceptedMessage struct {
	WAMID  string
	Status string // accepted, held_for_quality_assessment or paused
}

// acceptedMessage returns the message that was sent, from a response without an
// error. It returns a *whatsapp.UnknownOutcome where the body cannot be read.
func (r response) acceptedMessage() (acceptedMessage, error) {
	body, err := upstream.ParseJSON(r.body)
	if err != nil {
		return acceptedMessage{}, &whatsapp.UnknownOutcome{Cause: cmp.Or(r.readErr, errors.New("the response is not JSON of the expected form"))}
	}
	for _, message := range body.Member("messages").Items() {
		id := message.Member("id").Text()
		if id != "" && !strings.ContainsFunc(id, unicode.IsControl) {
			return acceptedMessage{WAMID: id, Status: message.Member("message_status").Text()}, nil
		}
	}
	return acceptedMessage{}, &whatsapp.UnknownOutcome{Cause: errors.New("the response has no valid message id")}
}
