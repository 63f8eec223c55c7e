// Package sensitive decides what a secret, a phone number and a person's words
// look like where they are not needed: in a log line, an error, an answer.
//
// Each type keeps its value in an unexported field. Printing, logging and
// marshalling show a mask; only Reveal gives the value, so every place that
// uses it can be found by name.
package sensitive

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Secret is a key, a token or a password.
type Secret struct{ value string }

// NewSecret keeps value out of sight.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the secret, for the one call that needs it.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.value == "" }

// String hides the secret and tells only whether there is one.
func (s Secret) String() string {
	if s.value == "" {
		return ""
	}
	return "[secret]"
}

// Phone is a phone number, with or without its leading plus.
type Phone struct{ value string }

// NewPhone keeps value out of sight.
func NewPhone(value string) Phone { return Phone{value} }

// Reveal returns the number as it was given.
func (p Phone) Reveal() string { return p.value }

// IsZero reports whether there is no number.
func (p Phone) IsZero() bool { return p.value == "" }

// String shows the first four and the last three digits of a number that is
// long enough to stay private that way: +2547•••••678.
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

// Text is what a person wrote or was told, and a person's name.
type Text struct{ value string }

// NewText keeps value out of sight.
func NewText(value string) Text { return Text{value} }

// Reveal returns the text.
func (t Text) Reveal() string { return t.value }

// IsZero reports whether the text is empty.
func (t Text) IsZero() bool { return t.value == "" }

// String tells how long the text is.
func (t Text) String() string {
	return "[" + strconv.Itoa(utf8.RuneCountInString(t.value)) + " characters]"
}

// The methods below make every verb of fmt, slog and encoding/json show the mask.

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
