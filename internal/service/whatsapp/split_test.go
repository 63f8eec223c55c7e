package whatsapp

import (
	"strings"
	"testing"
	"unicode/utf16"
)

func TestSplitCutsWhereAReaderWould(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text  string
		limit int
		want  []string
	}{
		"a short text stays whole":    {"Habari yako", 20, []string{"Habari yako"}},
		"between paragraphs":          {"One two.\n\nThree\nfour five.", 16, []string{"One two.", "Three\nfour five."}},
		"between lines":               {"One two. A b.\nThree four.", 18, []string{"One two. A b.", "Three four."}},
		"between sentences":           {"One two. Three four.", 14, []string{"One two.", "Three four."}},
		"between words":               {"one two three", 9, []string{"one two", "three"}},
		"directly behind a word":      {"one two three", 7, []string{"one two", "three"}},
		"inside a word if it must":    {"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		"never inside a character":    {"😀😀😀", 3, []string{"😀", "😀", "😀"}},
		"never inside a joined emoji": {"👩‍🌾👩‍🌾", 6, []string{"👩‍🌾", "👩‍🌾"}},
		"never before a skin tone":    {"👍🏾👍🏾", 5, []string{"👍🏾", "👍🏾"}},
		"never inside a flag":         {"🇰🇪🇹🇿", 6, []string{"🇰🇪", "🇹🇿"}},
		"never before an accent":      {"e\u0301e\u0301", 3, []string{"e\u0301", "e\u0301"}},
		"an empty text":               {"", 5, []string{""}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := split(plain(tt.text), tt.limit)
			if strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("split = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSplitClosesAndReopensFormatting(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		markdown string
		limit    int
		want     []string
	}{
		"bold":          {"**one two three**", 9, []string{"*one two*", "*three*"}},
		"bold italics":  {"***one two three***", 11, []string{"*_one two_*", "*_three_*"}},
		"strike":        {"~~one two three~~", 9, []string{"~one two~", "~three~"}},
		"inline code":   {"`one two three`", 9, []string{"`one two`", "`three`"}},
		"inner bold":    {"*a **one two three** b*", 14, []string{"_a *one two*_", "*_three_* _b_"}},
		"a quote":       {"> one two three", 9, []string{"> one two", "> three"}},
		"a bold quote":  {"> **one two three**", 11, []string{"> *one two*", "> *three*"}},
		"a code block":  {"```\none\n  two\n```", 13, []string{"```\none\n```", "```\n  two\n```"}},
		"a list":        {"- one\n- two\n- three", 12, []string{"- one\n- two", "- three"}},
		"blank code":    {"```\na\n" + strings.Repeat(" ", 60) + "\nb\n```", 20, []string{"```\na\n```", "```\nb\n```"}},
		"heading first": {"# One\n\ntwo three", 10, []string{"*One*", "two three"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := format(tt.markdown, tt.limit)
			if strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("format = %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("One two.\n\nThree 😀 four.", 100)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if limit < maxCharBytes || limit > 10_000 {
			return
		}
		text = legible(text)
		messages := split(plain(text), limit)
		for _, message := range messages {
			if n := units(message); n > limit {
				t.Fatalf("a message has %d units, the limit is %d", n, limit)
			}
			if message == "" && squeeze(text) != "" {
				t.Fatalf("a message of %q is blank", text)
			}
		}
		if squeeze(strings.Join(messages, " ")) != squeeze(text) {
			t.Fatalf("split lost something of %q: %q", text, messages)
		}
	})
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }

func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }
