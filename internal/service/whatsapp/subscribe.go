package whatsapp

import (
	"crypto/sha256"
	"crypto/subtle"

	"aisha/internal/fault"
)

// maxChallenge bounds what a caller who knows the token can make us echo.
const maxChallenge = 256

// Subscription is Meta's question whether a webhook is ours.
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
	if !equal(in.VerifyToken, s.options.VerifyToken.Reveal()) {
		return "", fault.New(fault.Forbidden, "the verify token is wrong")
	}
	if in.Challenge == "" || len(in.Challenge) > maxChallenge {
		return "", fault.InvalidField("hub.challenge", "must be 1 to 256 characters")
	}
	return in.Challenge, nil
}

// equal compares in a time that tells nothing, not even the length.
func equal(a, b string) bool {
	ha, hb := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(ha[:], hb[:]) == 1
}
