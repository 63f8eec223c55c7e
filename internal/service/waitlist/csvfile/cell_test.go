package csvfile_test

import (
	"strings"
	"testing"

	"aisha/internal/service/waitlist/csvfile"
)

func TestEscapeCell(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"empty":                        {"", ""},
		"plain":                        {"Zuri Wanjikũ", "Zuri Wanjikũ"},
		"equals":                       {"=1+1", "'=1+1"},
		"plus":                         {"+254712345678", "'+254712345678"},
		"minus":                        {"-1", "'-1"},
		"at":                           {"@SUM(A1)", "'@SUM(A1)"},
		"dde":                          {"=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"},
		"full_width":                   {"＝1", "'＝1"},
		"full_width_plus":              {"＋1", "'＋1"},
		"full_width_minus":             {"－1", "'－1"},
		"full_width_at":                {"＠A", "'＠A"},
		"spaces_before":                {"  =1", "'  =1"},
		"no_break_space_before":        {"\u00a0=1", "'\u00a0=1"},
		"byte_order_mark_before":       {"\ufeff=1", "'\ufeff=1"},
		"null_before":                  {"\x00=1", "'\x00=1"},
		"quotation_mark_before":        {`"=1"`, `'"=1"`},
		"tab":                          {"\tx", "'\tx"},
		"tab_before":                   {"\t=1", "'\t'=1"},
		"carriage_return":              {"\rx", "'\rx"},
		"line_feed":                    {"\nx", "'\nx"},
		"apostrophe":                   {"'Abdul", "''Abdul"},
		"apostrophe_and_formula":       {"'=1", "''=1"},
		"formula_behind_semicolon":     {"x;=1", "x;'=1"},
		"formula_behind_semicolon_two": {"x; =1;=2;", "x;' =1;'=2;"},
		"formula_behind_tab":           {"x\t=1", "x\t'=1"},
		"formula_behind_line_break":    {"x\r\n=1\r\ny", "x\r\n'=1\r\ny"},
		"list_of_lines":                {"- a\n- b", "'- a\n'- b"},
		"operators_inside":             {"a=b+c-d@e", "a=b+c-d@e"},
		"apostrophe_inside":            {"O'Neil; it's", "O'Neil; it's"},
		"integer":                      {"20261127", "20261127"},
		"zero":                         {"0", "0"},
		"leading_zeros":                {"0012", "'0012"},
		"long_integer":                 {"254712345678", "'254712345678"},
		"scientific":                   {"1E5", "'1E5"},
		"decimal":                      {"0.50", "'0.50"},
		"date":                         {"3/4", "'3/4"},
		"time":                         {"10:30", "'10:30"},
		"number_behind_spaces":         {" 007", "' 007"},
		"number_behind_apostrophe":     {"'0012", "''0012"},
		"digits_and_letters":           {"2Pac", "2Pac"},
		"numbers_in_lines":             {"0012;0012", "0012;0012"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := csvfile.EscapeCell(tt.text)
			if got != tt.want {
				t.Errorf("EscapeCell(%q) = %q, want %q", tt.text, got, tt.want)
			}
			if back := csvfile.UnescapeCell(got); back != tt.text {
				t.Errorf("UnescapeCell(%q) = %q, want %q", got, back, tt.text)
			}
		})
	}
}

// Cells that other programs wrote.
func TestUnescapeCell(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"":                "",
		"'":               "'",
		"'Abdul":          "'Abdul",
		"'0712345678":     "0712345678",
		"'12":             "'12",
		"O'Neil":          "O'Neil",
		"'+254712345678":  "+254712345678",
		"+254712345678":   "+254712345678",
		"=1+1":            "=1+1",
		"x;'y":            "x;'y",
		"''":              "'",
		"'' and nothing":  "' and nothing",
		"it's;'=1 or 'b'": "it's;=1 or 'b'",
	} {
		if got := csvfile.UnescapeCell(cell); got != want {
			t.Errorf("UnescapeCell(%q) = %q, want %q", cell, got, want)
		}
	}
}

// FuzzEscapeCell checks that UnescapeCell returns every text, and that no part of an
// escaped cell begins with a character that begins a formula.
func FuzzEscapeCell(f *testing.F) {
	for _, seed := range []string{"=1", "'=1", "''=1", "\t=1", "'\t=1", "a;=1", ";'=", "\r\n=1", "\"=1", "\xff=", "'\xff", " ' =1", ";;\t\t''", "'0012", "''1E5", "\t1/2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		escaped := csvfile.EscapeCell(text)
		if back := csvfile.UnescapeCell(escaped); back != text {
			t.Fatalf("UnescapeCell(%q) = %q, want %q", escaped, back, text)
		}
		for _, part := range strings.FieldsFunc(escaped, func(r rune) bool { return strings.ContainsRune(";\t\r\n", r) }) {
			if strings.IndexAny(strings.TrimLeft(part, ` "`), "=+-@＝＋－＠") == 0 {
				t.Fatalf("EscapeCell(%q) = %q, in which %q is a formula", text, escaped, part)
			}
		}
	})
}
