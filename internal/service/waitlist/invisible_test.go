package waitlist

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func FuzzCleanName(f *testing.F) {
	for _, seed := range []string{
		"John Doe", "\u3164", "\u202eJohn", "می\u200cخواهم", "रा\u200dज", "Sam ❤\ufe0f\u200d🔥", "👩\u200d\u2800A", "A\u200d\ufe0f",
		"🏴\U000e0067\U000e007fA", "\u2800 A \u2800", "a\nb", "\xff", "ក\u200c\u17b4", "A" + strings.Repeat("\u0301", 600),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		name, problem := cleanName(typed)
		if problem != nil {
			if name != "" || problem.Code == "" || problem.Message == "" {
				t.Fatalf("%q: got the name %q with the problem %+v, want no name and a code", typed, name, problem)
			}
			return
		}
		if !utf8.ValidString(name) || len(name) > maxNameBytes || name != strings.TrimSpace(name) {
			t.Fatalf("%q: got %q, want valid UTF-8 of at most %d bytes without space around it", typed, name, maxNameBytes)
		}
		if !strings.ContainsFunc(name, isLetterOrDigit) || strings.ContainsFunc(name, unicode.IsControl) {
			t.Fatalf("%q: got %q, want a letter or a digit and no control character", typed, name)
		}
		if strings.ContainsAny(name, "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u2060\ufeff\u3164") {
			t.Fatalf("%q: got %q, want no direction mark, no zero-width space and no filler", typed, name)
		}
		if again, problem := cleanName(name); again != name {
			t.Fatalf("%q: got %q, but cleaning that again gives %q, problem %v", typed, name, again, problem)
		}
	})
}
