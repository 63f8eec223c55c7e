package markup

import (
	"slices"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text  string
		limit int
		want  []string
	}{
		"short_text":                          {"Habari yako", 20, []string{"Habari yako"}},
		"between_paragraphs":                  {"One two.\n\nThree\nfour five.", 16, []string{"One two.", "Three\nfour five."}},
		"between_lines":                       {"One two. A b.\nThree four.", 18, []string{"One two. A b.", "Three four."}},
		"between_sentences":                   {"One two. Three four.", 14, []string{"One two.", "Three four."}},
		"between_words":                       {"one two three", 9, []string{"one two", "three"}},
		"directly_after_a_word":               {"one two three", 7, []string{"one two", "three"}},
		"inside_a_word_longer_than_the_limit": {"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		"not_inside_a_surrogate_pair":         {"😀😀😀", 3, []string{"😀", "😀", "😀"}},
		"not_inside_a_joined_emoji":           {"👩‍🌾👩‍🌾", 6, []string{"👩‍🌾", "👩‍🌾"}},
		"not_before_a_skin_tone":              {"👍🏾👍🏾", 5, []string{"👍🏾", "👍🏾"}},
		"not_inside_a_flag":                   {"🇰🇪🇹🇿", 6, []string{"🇰🇪", "🇹🇿"}},
		"not_before_a_combining_accent":       {"e\u0301e\u0301", 3, []string{"e\u0301", "e\u0301"}},
		"empty_text":                          {"", 5, []string{""}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := split(parsePlainText(tt.text), tt.limit)
			if !slices.Equal(got, tt.want) {
				t.Errorf("split(%q, %d)\n got %q\nwant %q", tt.text, tt.limit, got, tt.want)
			}
		})
	}
}

// The delimiters of a style are closed at the end of a message and opened again
// in the next one.
func TestFormat_LongText(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		markdown string
		limit    int
		want     []string
	}{
		"bold":                  {"**one two three**", 9, []string{"*one two*", "*three*"}},
		"bold_italics":          {"***one two three***", 11, []string{"*_one two_*", "*_three_*"}},
		"strikethrough":         {"~~one two three~~", 9, []string{"~one two~", "~three~"}},
		"inline_code":           {"`one two three`", 9, []string{"`one two`", "`three`"}},
		"bold_in_italics":       {"*a **one two three** b*", 14, []string{"_a *one two*_", "*_three_* _b_"}},
		"quote":                 {"> one two three", 9, []string{"> one two", "> three"}},
		"bold_quote":            {"> **one two three**", 11, []string{"> *one two*", "> *three*"}},
		"code_block":            {"```\none\n  two\n```", 13, []string{"```\none\n```", "```\n  two\n```"}},
		"list":                  {"- one\n- two\n- three", 12, []string{"- one\n- two", "- three"}},
		"blank_lines_in_code":   {"```\na\n" + strings.Repeat(" ", 60) + "\nb\n```", 20, []string{"```\na\n```", "```\nb\n```"}},
		"heading_and_paragraph": {"# One\n\ntwo three", 10, []string{"*One*", "two three"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Format(tt.markdown, tt.limit)
			if !slices.Equal(got, tt.want) {
				t.Errorf("Format(%q, %d)\n got %q\nwant %q", tt.markdown, tt.limit, got, tt.want)
			}
		})
	}
}
