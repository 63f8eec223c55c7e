package whatsapp

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

func TestSplitCutsWhereAReaderWould(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text  string
		limit int
		want  []string
	}{
		"a short text stays whole": {"Habari yako", 20, []string{"Habari yako"}},
		"between paragraphs":       {"One two.\n\nThree four.", 14, []string{"One two.", "Three four."}},
		"between sentences":        {"One two. Three four.", 14, []string{"One two.", "Three four."}},
		"between words":            {"one two three", 9, []string{"one two", "three"}},
		"inside a word if it must": {"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		"never inside a character": {"😀😀😀", 3, []string{"😀", "😀", "😀"}},
		"an empty text":            {"", 5, []string{""}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := split(tt.text, tt.limit)
			if strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("split = %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("One two.\n\nThree 😀 four.", 7)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if limit < 2 || limit > 10_000 || !utf8.ValidString(text) {
			return
		}
		pieces := split(text, limit)
		for _, piece := range pieces {
			if n := len(utf16.Encode([]rune(piece))); n > limit {
				t.Fatalf("a piece has %d units, the limit is %d", n, limit)
			}
			if !utf8.ValidString(piece) {
				t.Fatalf("a piece breaks a character: %q", piece)
			}
		}
		if squeeze(strings.Join(pieces, " ")) != squeeze(text) {
			t.Fatalf("split lost something of %q: %q", text, pieces)
		}
	})
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }
