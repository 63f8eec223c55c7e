// Package sensitive holds secrets, phone numbers and personal texts, and masks
// them in log lines, errors and JSON.
//
// Each type keeps its value in an unexported field. Printing, logging and
// marshalling write a mask. Only Reveal returns the value, so a search for
// Reveal finds every use of it.
package sensitive

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Secret is a key, a token or a password.
type Secret struct{ value string }

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the secret.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.value == "" }

// Equal reports whether candidate is the secret. It compares hashes in constant
// time, so the duration reveals neither the content nor the length of the
// secret. An empty secret equals no candidate.
func (s Secret) Equal(candidate string) bool {
	if s.IsZero() {
		return false
	}
	want, got := sha256.Sum256([]byte(s.value)), sha256.Sum256([]byte(candidate))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// String returns a fixed mask, or nothing for an empty secret.
func (s Secret) String() string {
	if s.value == "" {
		return ""
	}
	return "[secret]"
}

// Phone is a phone number, with or without its leading plus.
type Phone struct{ value string }

// NewPhone wraps value.
func NewPhone(value string) Phone { return Phone{value} }

// Reveal returns the number as passed to NewPhone.
func (p Phone) Reveal() string { return p.value }

// IsZero reports whether the number is empty.
func (p Phone) IsZero() bool { return p.value == "" }

// String returns the first four and the last three digits, such as
// +2547•••••678. Numbers with fewer than eleven digits are masked completely.
func (p Phone) String() string {
	const head, tail = 4, 3
	digits := strings.TrimPrefix(p.value, "+")
	switch {
	case digits == "":
		return ""
	case len(digits) < head+tail+4:
		return "•••••"
	default:
		return "+" + digits[:head] + "•••••" + digits[len(digits)-tail:]
	}
}

// Text is the text of a message or an answer, or a person's name.
type Text struct{ value string }

// NewText wraps value.
func NewText(value string) Text { return Text{value} }

// Reveal returns the text.
func (t Text) Reveal() string { return t.value }

// IsZero reports whether the text is empty.
func (t Text) IsZero() bool { return t.value == "" }

// Truncate returns the text cut to at most limit bytes, between two characters.
func (t Text) Truncate(limit int) Text {
	if len(t.value) <= limit {
		return t
	}
	for limit > 0 && !utf8.RuneStart(t.value[limit]) {
		limit--
	}
	return Text{t.value[:limit]}
}

// String returns the length of the text in characters.
func (t Text) String() string {
	return "[" + strconv.Itoa(utf8.RuneCountInString(t.value)) + " characters]"
}

// The methods below make fmt (every verb), slog and encoding/json write the mask.

// Format implements fmt.Formatter.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Format implements fmt.Formatter.
func (p Phone) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.String())) }

// LogValue implements slog.LogValuer.
func (p Phone) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText implements encoding.TextMarshaler.
func (p Phone) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Format implements fmt.Formatter.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.String())) }

// LogValue implements slog.LogValuer.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText implements encoding.TextMarshaler.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
