package visible

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRemoveInvisible(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"ascii":                        {"Habari =cmd|calc\x00\n", "Habari =cmd|calc\x00\n"},
		"right_to_left_override":       {"Wanjiru\u202Eexe.pdf", "Wanjiruexe.pdf"},
		"isolates":                     {"a\u2066b\u2067c\u2068d\u2069e", "abcde"},
		"direction_marks":              {"\u200Ea\u200Fb\u061C", "ab"},
		"zero_width_characters":        {"a\u200Bb\u200Cc\u2060d\uFEFFe\u00ADf", "abcdef"},
		"joiner_between_letters":       {"a\u200Db", "ab"},
		"joiner_in_emoji":              {"👩\u200D🌾 👩🏾\u200D🚀", "👩\u200D🌾 👩🏾\u200D🚀"},
		"joiner_after_selector":        {"❤\uFE0F\u200D🔥", "❤\uFE0F\u200D🔥"},
		"joiner_after_emoji_at_end":    {"👩\u200D", "👩"},
		"joiner_between_emoji_and_a":   {"👩\u200Da", "👩a"},
		"flag_of_a_region":             {"\U0001F3F4\U000E0067\U000E0062\U000E007F", "\U0001F3F4\U000E0067\U000E0062\U000E007F"},
		"tags_that_hide_a_text":        {"a\U000E0068\U000E0069", "a"},
		"arabic_number_sign":           {"\u06011", "\u06011"},
		"letters_with_marks":           {"e\u0301 ñ สวัสดี", "e\u0301 ñ สวัสดี"},
		"invalid_bytes":                {"a\xff\u202E\uFFFD", "a\uFFFD\uFFFD"},
		"fillers":                      {"a\u3164b\u2800c", "abc"},
		"joiners_of_a_script":          {"\u0645\u06cc\u200c\u062e \u0d28\u0d4d\u200d", "\u0645\u06cc\u200c\u062e \u0d28\u0d4d\u200d"},
		"only_invisible":               {"\u200B\u2060", ""},
		"deprecated_format_characters": {"a\u206A\u206Fb\uFFF9c", "abc"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := RemoveInvisible(tt.text); got != tt.want {
				t.Errorf("RemoveInvisible(%+q) = %+q, want %+q", tt.text, got, tt.want)
			}
		})
	}
}

func TestIsBlank(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " \n\t", "\u00A0\u2003\u3000", "\u200B", "\u2060\uFEFF", "\u3164", "\u115F\u1160\uFFA0", "\u2800", "\U00013441", "\uFE0F", "\u0301", "\u202E\u2069",
		"\x00\x7f", "\U000E0061", "\u034F", "\u00AD", "\u180E", " \u200D ",
	} {
		if !IsBlank(text) {
			t.Errorf("IsBlank(%+q) = false, want true", text)
		}
	}
	for _, text := range []string{"a", ".", "\u200Ba", "👍", "字", "\u0601", "e\u0301", "*", "\u3164x", "\uFFFD", "0"} {
		if IsBlank(text) {
			t.Errorf("IsBlank(%+q) = true, want false", text)
		}
	}
}

func FuzzRemoveInvisible(f *testing.F) {
	f.Add("a\u202E👩\u200D🌾")
	f.Add("\U0001F3F4\U000E0067\U000E007F\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := RemoveInvisible(text)
		if again := RemoveInvisible(got); again != got {
			t.Fatalf("RemoveInvisible(%+q) = %+q, and of that %+q: want it unchanged", text, got, again)
		}
		if !utf8.ValidString(got) {
			t.Fatalf("RemoveInvisible(%+q) = %+q: want valid UTF-8", text, got)
		}
		if IsBlank(text) != IsBlank(got) {
			t.Fatalf("IsBlank is %v before and %v after RemoveInvisible of %+q", IsBlank(text), IsBlank(got), text)
		}
		keep := func(r rune) rune {
			if isInvisible(r) {
				return -1
			}
			return r
		}
		if got, want := strings.Map(keep, got), strings.Map(keep, text); got != want {
			t.Fatalf("RemoveInvisible(%+q) changed other characters: got %+q, want %+q", text, got, want)
		}
	})
}
