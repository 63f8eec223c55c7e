package waitlist_test

import (
	"errors"
	"strings"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/ratelimit"
	"aisha/internal/service/waitlist"
)

func TestService_Join_AcceptedNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"J", "Wanjirũ wa Ngũgĩ", "O'Brien-Smith, Jr.", "محمد", "क्\u200dष", "山田太郎", "葛\U000e0100城", "Amina 👩\u200d💻", "7",
		"می\u200cخواهم", "രാജന്\u200d", "Sam ❤\ufe0f\u200d🔥", "Fiona 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
		strings.Repeat("ũ", 100), strings.Repeat(" ", 500) + "John",
		strings.Repeat("u\u0303", 100), // 100 letters with a combining tilde
		"A" + strings.Repeat("👩🏽\u200d🚀", 60),
		"n" + strings.Repeat("\u0303", 511), // exactly 1 KiB
		strings.Repeat("\u200b", 2000) + "John",
	} {
		store := &fakeStore{}
		_, err := newService(store, ratelimit.Rate{}).Join(t.Context(), waitlist.SignUp{Username: name, PhoneNumber: "0712345678"}).Get()
		if err != nil {
			t.Errorf("name %q: got error %v, want none", name, err)
		} else if got, want := store.added[0].Username.Reveal(), strings.TrimSpace(strings.ReplaceAll(name, "\u200b", "")); got != want {
			t.Errorf("name %q: stored %q, want %q", name, got, want)
		}
	}
}

func TestService_Join_InvisibleCharactersInNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"\u200eJohn\u200e":                   "John",
		"\u202eJohn\u202c \u2066Doe\u2069":   "John Doe",
		"\u200f \u061cJohn \u200b":           "John",
		"Jo\u200b\ufeff\u2060\u00adhn":       "John",
		"Jo\u200dhn\u200c":                   "John", // joiners that join nothing
		"Jo\u3164hn\uffa0\u2800\u115f\u034f": "John",
		"J\ufe0fohn":                         "John",
		"\ufe0fJohn":                         "John",
		"محمد\u200c":                         "محمد",
		"م\u200d\u200d\u200dحمد":             "م\u200dحمد",
		"👩\u200d":                            "", // no letter, see RejectedNames
		"A 👩\u200d":                          "A 👩",
		"A\U000e0048\U000e0069":              "A", // text in tag characters
		"☺\ufe0f\ufe0f A":                    "☺\ufe0f A",
	} {
		store := &fakeStore{}
		_, err := newService(store, ratelimit.Rate{}).Join(t.Context(), waitlist.SignUp{Username: name, PhoneNumber: "0712345678"}).Get()
		if (err == nil) != (want != "") {
			t.Errorf("name %q: got error %v, want %q stored", name, err, want)
		} else if err == nil && store.added[0].Username.Reveal() != want {
			t.Errorf("name %q: stored %q, want %q", name, store.added[0].Username.Reveal(), want)
		}
	}
}

func TestService_Join_RejectedNames(t *testing.T) {
	t.Parallel()
	for code, names := range map[fault.FieldCode][]string{
		fault.FieldRequired: {"", " ", "\u2003\u00a0"},
		fault.FieldNotVisible: {
			"\u200b\u200d", "\u3164", "\u2800", "\uffa0", "\ufe0f", "\u0301", "\u115f\u1160", "\u034f", "\u202e\u202c", "\u00ad",
			"\U000e0041\U000e0042", "\u064b\u064c", "\u093e", "👩\u200d💻", "😀", "...", "-", "\u3164 \u3164", "\U00013441\U00013442", "\u2800\u0301",
		},
		fault.FieldTooLong: {
			strings.Repeat("a", 101), strings.Repeat("ũ", 101), strings.Repeat("u\u0303", 101),
			"A" + strings.Repeat("👩\u200d🚀", 100), "na" + strings.Repeat("\u0303", 512), "A" + strings.Repeat("🇰🇪", 128),
		},
		fault.FieldControlCharacter: {"John\x00", "John\x7f", "Jo\nhn", "Jo\u0085hn", "Jo\u2028hn", "Jo\u2029hn", "\x1b[31m"},
		fault.FieldNotUnicode:       {"Jo\xffhn", "\xed\xa0\x80"},
	} {
		for _, name := range names {
			_, err := newService(&fakeStore{}, ratelimit.Rate{}).Join(t.Context(), waitlist.SignUp{Username: name, PhoneNumber: "0712345678"}).Get()
			if !fault.Is(err, fault.Invalid) || fault.Of(err).Fields[0].Name != "username" {
				t.Errorf("name %q: got error %v, want fault.Invalid for username", name, err)
			} else if got := fault.Of(err).Fields[0].Code; got != code {
				t.Errorf("name %q: got the code %q, want %q", name, got, code)
			}
		}
	}
}

func BenchmarkCleanName(b *testing.B) {
	for name, typed := range map[string]string{"ascii": "John Doe", "marks": "Wanjirũ wa Ngũgĩ", "longest": strings.Repeat("u\u0303", 340)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			service := newService(&fakeStore{err: errors.New("not stored")}, ratelimit.Rate{})
			for b.Loop() {
				_, _ = service.Join(b.Context(), waitlist.SignUp{Username: typed, PhoneNumber: "0712345678"}).Get()
			}
		})
	}
}
