package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"aisha/internal/sensitive"
)

func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func isSigned(secrets []sensitive.Secret, header string, body []byte) bool {
	signature, ok := ParseSignature(header)
	return ok && signature.SignedBy(secrets, body)
}

func TestSignature_SignedBy(t *testing.T) {
	t.Parallel()
	body := []byte(`{"text":"\u00e4\/"}`)
	secrets := []sensitive.Secret{sensitive.NewSecret("new"), sensitive.NewSecret("old")}
	tests := map[string]struct {
		signature string
		want      bool
	}{
		"the first secret's":         {sign("new", body), true},
		"the old secret's":           {sign("old", body), true},
		"another secret's":           {sign("other", body), false},
		"of another body":            {sign("new", []byte(`{"text":"ä/"}`)), false},
		"none":                       {"", false},
		"without its algorithm":      {sign("new", body)[7:], false},
		"another algorithm":          {"sha1=" + sign("new", body)[7:47], false},
		"cut short":                  {sign("new", body)[:40], false},
		"of a length but not hex":    {"sha256=" + string(make([]byte, 64)), false},
		"with something behind it":   {sign("new", body) + "00", false},
		"upper-case hex is the same": {"sha256=" + upper(sign("new", body)[7:]), true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := isSigned(secrets, tt.signature, body); got != tt.want {
				t.Errorf("signed = %v, want %v", got, tt.want)
			}
		})
	}
	if isSigned(nil, sign("", body), body) {
		t.Error("a body counts as signed although there is no secret")
	}
}

func upper(s string) string {
	raw, _ := hex.DecodeString(s)
	const digits = "0123456789ABCDEF"
	out := make([]byte, 0, len(s))
	for _, b := range raw {
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}

// FuzzSignature_SignedBy looks for a signature that is believed without being right.
func FuzzSignature_SignedBy(f *testing.F) {
	f.Add(sign("s", []byte("x")), []byte("x"))
	f.Add("sha256=", []byte{})
	f.Fuzz(func(t *testing.T, signature string, body []byte) {
		believed := isSigned([]sensitive.Secret{sensitive.NewSecret("s")}, signature, body)
		right := hmac.Equal([]byte(lower(signature)), []byte(sign("s", body)))
		if believed != right {
			t.Fatalf("believed %v, right %v", believed, right)
		}
	})
}

func lower(s string) string {
	if len(s) < 7 || s[:7] != "sha256=" {
		return s
	}
	raw, err := hex.DecodeString(s[7:])
	if err != nil {
		return s
	}
	return "sha256=" + hex.EncodeToString(raw)
}
