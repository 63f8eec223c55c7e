package whatsapp

import (
	"errors"
	"unicode/utf8"

	"aisha/internal/fault"
)

// ErrWrongVerifyToken is the cause of the failure of a subscription request with a
// wrong verify token.
var ErrWrongVerifyToken = errors.New("wrong verify token")

// maxChallenge limits the text that a caller with the token can have echoed, in
// characters.
const maxChallenge = 256

// Subscription is Meta's request to confirm a webhook subscription.
type Subscription struct {
	Mode        string
	VerifyToken string
	Challenge   string
}

func (s *Service) subscribe(in Subscription) (string, error) {
	if s.options.VerifyToken.IsZero() {
		return "", fault.New(fault.NotConfigured, "the WhatsApp webhook is not configured: it has no verify token")
	}
	if !s.options.VerifyToken.Equal(in.VerifyToken) {
		return "", fault.Wrap(ErrWrongVerifyToken, fault.Forbidden, "the verify token is wrong")
	}
	if in.Mode != "subscribe" {
		return "", fault.New(fault.Forbidden, "hub.mode must be subscribe")
	}
	const problem = "must be 1 to 256 characters"
	switch {
	case in.Challenge == "":
		return "", fault.InvalidField("hub.challenge", fault.FieldRequired, problem)
	case utf8.RuneCountInString(in.Challenge) > maxChallenge:
		return "", fault.InvalidField("hub.challenge", fault.FieldTooLong, problem)
	}
	return in.Challenge, nil
}
