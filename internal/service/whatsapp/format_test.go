package whatsapp

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ markdown, want string }{
		"plain words":         {"Habari yako?", "Habari yako?"},
		"bold":                {"This is **bold** text", "This is *bold* text"},
		"bold, the other way": {"__bold__", "*bold*"},
		"italics":             {"*one* and _two_", "_one_ and _two_"},
		"bold italics":        {"***x***", "_*x*_"},
		"strike":              {"~~gone~~", "~gone~"},
		"code":                {"use `go test`", "use `go test`"},
		"code block":          {"```go\nx := 1\n```", "```\nx := 1\n```"},
		"indented code":       {"a\n\n    x := 1\n", "a\n\n```\nx := 1\n```"},
		"bullets":             {"* a\n* **b**", "- a\n- *b*"},
		"nested bullets":      {"- a\n  - b\n- c", "- a\n  - b\n- c"},
		"numbers":             {"3. a\n4. b", "3. a\n4. b"},
		"tasks":               {"- [x] a\n- [ ] b", "- ☑ a\n- ☐ b"},
		"a quote":             {"> one\n> two", "> one\n> two"},
		"a heading":           {"## What *is* **it**", "*What _is_ it*"},
		"a link":              {"[the site](https://example.com/a_b)", "the site (https://example.com/a_b)"},
		"a link to itself":    {"[https://a.example](https://a.example)", "https://a.example"},
		"a bare link":         {"<https://a.example>", "https://a.example"},
		"a picture":           {"![a cat](https://a.example/c.png)", "a cat (https://a.example/c.png)"},
		"a table":             {"| a | bb |\n|---|---|\n| ccc | d |", "```\na    bb\nccc  d\n```"},
		"a line across":       {"a\n\n---\n\nb", "a\n\n———\n\nb"},
		"paragraphs":          {"a\n\nb", "a\n\nb"},
		"line breaks":         {"a\nb  \nc", "a\nb\nc"},
		"HTML":                {"a<br>b <b>c</b>", "a\nb <b>c</b>"},
		"entities":            {"a &amp; b &#33;", "a & b !"},
		"escapes":             {`1\. not a list`, "1. not a list"},
		"arithmetic":          {"2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"},
		"bold over two lines": {"**a\nb**", "*a*\n*b*"},
		"nothing":             {"", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := format(tt.markdown); got != tt.want {
				t.Errorf("got\n%q, want\n%q", got, tt.want)
			}
		})
	}
}

func FuzzFormat(f *testing.F) {
	for _, seed := range []string{"**a** _b_ ~~c~~ `d`", "- a\n  1. b\n\n> c", "| a |\n|---|\n| b |", "[a](b) ![c](d) <br> &amp;", "```\nx\n```"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, markdown string) {
		if !utf8.ValidString(markdown) || strings.Contains(markdown, "\x00") {
			return
		}
		if got := format(markdown); !utf8.ValidString(got) {
			t.Fatalf("%q becomes invalid: %q", markdown, got)
		}
	})
}

func BenchmarkFormat(b *testing.B) {
	answer := strings.Repeat("## Title\n\nSome **bold** words and a [link](https://a.example).\n\n- one\n- two\n\n", 20)
	b.ReportAllocs()
	for b.Loop() {
		if format(answer) == "" {
			b.Fatal("nothing")
		}
	}
}

// words are the letters and digits of a text.
func words(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

func TestFormatLosesNoWords(t *testing.T) {
	t.Parallel()
	const plain = "One two *three* **four** `five` six\n\n1. seven\n2. eight\n\n> nine\n\n| ten | eleven |\n|---|---|\n| twelve | 13 |\n"
	if got, want := words(format(plain)), "OnetwothreefourfivesixXsevenYeightnineteneleventwelve13"; got != strings.NewReplacer("X", "1", "Y", "2").Replace(want) {
		t.Errorf("got %q", got)
	}
}
