package sensitive_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"aisha/internal/sensitive"
)

func TestNothingSensitiveIsPrinted(t *testing.T) {
	t.Parallel()
	const value = "254712345678"
	type holder struct {
		Secret sensitive.Secret
		Phone  sensitive.Phone
		Text   sensitive.Text
	}
	all := holder{sensitive.NewSecret(value), sensitive.NewPhone(value), sensitive.NewText(value)}

	var out bytes.Buffer
	for _, format := range []string{"%v", "%+v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, format+format+format+format+"\n", all, all.Secret, all.Phone, all.Text)
	}
	fmt.Fprintln(&out, &all, []any{all.Secret, &all.Phone, all.Text})
	fmt.Fprintln(&out, fmt.Errorf("failed: %w, %v", fmt.Errorf("%v", all.Phone), all.Text))
	if err := json.NewEncoder(&out).Encode(all); err != nil {
		t.Fatal(err)
	}
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(handler).Info("x", "all", all, "secret", all.Secret, "phone", all.Phone, "text", all.Text, "list", []any{all.Text})
	}
	// %x and %#v of a string would show its bytes.
	for _, form := range []string{value, fmt.Sprintf("%x", value), "712345"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%q was printed:\n%s", form, out.String())
		}
	}
	if all.Secret.Reveal() != value || all.Phone.Reveal() != value || all.Text.Reveal() != value {
		t.Error("Reveal does not give the value")
	}
}

func TestPhoneShowsEnoughToTellNumbersApart(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"+254712345678": "+2547•••••678",
		"254712345678":  "+2547•••••678",
		"40404":         "•••••",
		"":              "",
	} {
		if got := sensitive.NewPhone(value).String(); got != want {
			t.Errorf("%q is shown as %q, want %q", value, got, want)
		}
	}
}
