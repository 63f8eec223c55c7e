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

func TestMasking(t *testing.T) {
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
			t.Errorf("the output contains %q, want masks only:\n%s", form, out.String())
		}
	}
	if all.Secret.Reveal() != value || all.Phone.Reveal() != value || all.Text.Reveal() != value {
		t.Errorf("Reveal returned %q, %q and %q, want %q", all.Secret.Reveal(), all.Phone.Reveal(), all.Text.Reveal(), value)
	}
}

func TestPhone_String(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"+254712345678": "+2547•••••678",
		"254712345678":  "+2547•••••678",
		"40404":         "•••••",
		"":              "",
	} {
		if got := sensitive.NewPhone(value).String(); got != want {
			t.Errorf("%q is masked as %q, want %q", value, got, want)
		}
	}
}

func TestSecret_Equal(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		secret, candidate string
		want              bool
	}{
		"same":                  {"first-key", "first-key", true},
		"shorter":               {"first-key", "first-ke", false},
		"longer":                {"first-key", "first-keyy", false},
		"different_case":        {"first-key", "FIRST-KEY", false},
		"empty_candidate":       {"first-key", "", false},
		"empty_secret":          {"", "first-key", false},
		"both_are_empty":        {"", "", false},
		"different_same_length": {"first-key", "first-kez", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := sensitive.NewSecret(tt.secret).Equal(tt.candidate); got != tt.want {
				t.Errorf("NewSecret(%q).Equal(%q) = %t, want %t", tt.secret, tt.candidate, got, tt.want)
			}
		})
	}
}
