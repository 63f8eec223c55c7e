package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"aisha/internal/sensitive"
)

// Signature is the HMAC-SHA256 of a webhook's body.
type Signature [sha256.Size]byte

// ParseSignature reads the value of the header X-Hub-Signature-256, which is
// "sha256=" and 64 hexadecimal digits. It reports false for anything else, so
// that the body of such a request need not be read.
func ParseSignature(header string) (Signature, bool) {
	var signature Signature
	digits, found := strings.CutPrefix(header, "sha256=")
	if !found || len(digits) != hex.EncodedLen(len(signature)) {
		return Signature{}, false
	}
	if _, err := hex.Decode(signature[:], []byte(digits)); err != nil {
		return Signature{}, false
	}
	return signature, true
}

// SignedBy reports whether one of the secrets produced the signature for body.
// The body must be the bytes as received: Meta signs the escaped JSON that it
// sends, and encoding it again gives other bytes.
func (s Signature) SignedBy(secrets []sensitive.Secret, body []byte) bool {
	signed := false
	for _, secret := range secrets { // all of them, so that the time does not depend on which one matches
		mac := hmac.New(sha256.New, []byte(secret.Reveal()))
		mac.Write(body)
		if hmac.Equal(mac.Sum(nil), s[:]) {
			signed = true
		}
	}
	return signed
}
