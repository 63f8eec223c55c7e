package markup

import (
	"strings"
	"testing"
)

// Format returns valid messages for input that would take much time or memory
// to parse. Some cases exceed a bound of tooComplex, others just stay within.
func TestFormat_ExtremeInput(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"megabyte_of_nested_quotes":    strings.Repeat("> ", 1<<19),
		"too_many_nested_lists":        strings.Repeat("- ", maxMarkdownBytes),
		"too_many_stars":               strings.Repeat("*", 2*maxMarkdownBytes),
		"deep_quotes":                  strings.Repeat(">", maxMarkdownBytes),
		"deep_list_before_blank_lines": strings.Repeat("- ", maxNesting) + strings.Repeat("\n", maxMarkdownBytes/2),
		"many_delimiters":              strings.Repeat("*a_ ", maxDelimiters/2),
		"stars_that_open_and_close":    strings.Repeat("a**\"b", maxDelimiters/2),
		"stars_that_only_close":        strings.Repeat("a:** ", maxDelimiters/2),
		"stars_after_colons":           strings.Repeat("**a:**b", maxDelimiters/4),
		"stars_and_underscores":        strings.Repeat("*_", maxMarkdownBytes/2),
		"unclosed_links":               strings.Repeat("[a](", maxLinks),
		"unclosed_images":              strings.Repeat("![", maxBrackets),
		"unclosed_html_tags":           strings.Repeat("<a ", maxMarkdownBytes/3),
		"backticks":                    strings.Repeat("`", maxMarkdownBytes),
		"table_with_missing_cells":     strings.Repeat("a|", 10_000) + "\n" + strings.Repeat("-|", 10_000) + strings.Repeat("\na", 10_000),
		"only_combining_accents":       strings.Repeat("\u0301", maxMarkdownBytes/2),
		"one_long_word":                strings.Repeat("a", maxMarkdownBytes),
		"long_run_of_spaces":           "a" + strings.Repeat(" ", maxMarkdownBytes) + "b",
	}
	for name, markdown := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, message := range Format(markdown, MaxTextUnits) {
				requireValidMessage(t, message, MaxTextUnits)
			}
		})
	}
}
