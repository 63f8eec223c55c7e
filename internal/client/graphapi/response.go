package graphapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"aisha/internal/service/whatsapp"
)

const (
	// maxResponse limits how many bytes of a response are read. Meta's responses
	// have less than a kilobyte.
	maxResponse = 64 << 10
	// maxRetryAfter limits the Retry-After header of a response.
	maxRetryAfter = time.Hour
)

// response is an HTTP response, which may have been cut off.
type response struct {
	status     int
	retryAfter time.Duration
	body       []byte
	readErr    error // why the body is incomplete; nil where it is not
}

// acceptedMessage is a message in the response to a send.
type acceptedMessage struct {
	WAMID  string `json:"id"`
	Status string `json:"message_status"` // accepted, held_for_quality_assessment or paused
}

// acceptedMessage returns the message that was sent, from a response without an
// error. It returns a *whatsapp.UnknownOutcome where the body cannot be read.
func (r response) acceptedMessage() (acceptedMessage, error) {
	var body struct {
		Messages []acceptedMessage `json:"messages"`
	}
	if err := json.Unmarshal(r.body, &body); err != nil {
		return acceptedMessage{}, &whatsapp.UnknownOutcome{Cause: cmp.Or(r.readErr, errors.New("the response is not JSON of the expected form"))}
	}
	if len(body.Messages) == 0 || body.Messages[0].WAMID == "" || strings.ContainsFunc(body.Messages[0].WAMID, unicode.IsControl) {
		return acceptedMessage{}, &whatsapp.UnknownOutcome{Cause: errors.New("the response has no valid message id")}
	}
	return body.Messages[0], nil
}

// parseRetryAfter reads both forms of the header, seconds and a date. It
// returns zero for a header that it cannot read.
func parseRetryAfter(header string) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.Atoi(header); err == nil {
		wait = time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	} else if date, err := http.ParseTime(header); err == nil {
		wait = time.Until(date)
	}
	return max(0, min(wait, maxRetryAfter))
}
