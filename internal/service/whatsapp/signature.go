package whatsapp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"aisha/internal/sensitive"
)

// signedBy reports whether one of the secrets made the signature, which is the
// X-Hub-Signature-256 header: "sha256=" and the HMAC of the raw body in hex.
// The body is hashed as it came, because Meta signs the escaped form that it
// sends and no re-encoding gives the same bytes.
func signedBy(secrets []sensitive.Secret, signature string, body []byte) bool {
	digest, found := strings.CutPrefix(signature, "sha256=")
	if !found || len(digest) != hex.EncodedLen(sha256.Size) {
		return false
	}
	claimed, err := hex.DecodeString(digest)
	if err != nil {
		return false
	}
	signed := false
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret.Reveal()))
		mac.Write(body)
		if hmac.Equal(mac.Sum(nil), claimed) {
			signed = true
		}
	}
	return signed
}
