package whatsapp

import "aisha/internal/fault"

// maxChallenge limits the text that a caller with the token can have echoed, in
// bytes.
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
	if in.Mode != "subscribe" {
		return "", fault.New(fault.Forbidden, "hub.mode must be subscribe")
	}
	if !s.options.VerifyToken.Equal(in.VerifyToken) {
		return "", fault.New(fault.Forbidden, "the verify token is wrong")
	}
	const problem = "must be 1 to 256 characters"
	switch {
	case in.Challenge == "":
		return "", fault.InvalidField("hub.challenge", fault.FieldRequired, problem)
	case len(in.Challenge) > maxChallenge:
		return "", fault.InvalidField("hub.challenge", fault.FieldTooLong, problem)
	}
	return in.Challenge, nil
}
