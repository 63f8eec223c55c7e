package markup

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"aisha/internal/visible"
)

// minLimit is a limit that one grapheme with all its delimiters never exceeds.
const minLimit = 64

// FuzzFormat checks that every message is valid and that no letter or digit of
// the Markdown is lost.
func FuzzFormat(f *testing.F) {
	for _, seed := range []string{
		"# A\n\n**b _c_** ~~d~~ `e`\n\n- f\n  1. g\n\n> h\n\n```\ni\n```\n", "|a|b|\n|-|-|\n|c|d|", "[a](b \"c\") ![d](e) <f@g.h> www.i.j",
		"a<br>b &amp; \\* 2*3*4 __init__", "👩‍🌾 e\u0301 🇰🇪 \x00", "***a** b*", "- [x] a\n-\n  > b\n  > > c", "`a``b` ```c``` `d", "00```000", "\u2029\u200d",
	} {
		f.Add(seed, 0)
	}
	f.Fuzz(func(t *testing.T, markdown string, extraUnits int) {
		limit := minLimit + max(extraUnits, 0)%MaxTextUnits
		messages := Format(markdown, limit)
		if len(messages) == 0 {
			t.Fatal("got no messages, want at least one")
		}
		for _, message := range messages {
			requireValidMessage(t, message, limit)
			if visible.IsBlank(message) && message != "" || message == "" && hasContent(unescape([]byte(sanitize(markdown)))) {
				t.Fatalf("got a blank message for markdown that is not blank: %q", messages)
			}
		}
		want := lettersAndDigits(visibleText(t, sanitize(markdown)))
		got := lettersAndDigits(strings.Join(messages, " "))
		if missing := missingRunes(want, got); missing != "" {
			t.Fatalf("messages lack %q\n got %q\nwant %q", missing, messages, want)
		}
	})
}

// FuzzSplit checks that every message respects the limit and that split loses
// only white space.
func FuzzSplit(f *testing.F) {
	f.Add("One two.\n\nThree 😀 four.", 100)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if limit < maxGraphemeBytes || limit > 10_000 {
			return
		}
		text = sanitize(text)
		messages := split(parsePlainText(text), limit)
		for _, message := range messages {
			if got := utf16Len(message); got > limit {
				t.Fatalf("got a message of %d units, want at most %d", got, limit)
			}
			if message == "" && removeSpaces(text) != "" {
				t.Fatalf("got a blank message for text that is not blank: %q", text)
			}
		}
		got, want := removeSpaces(strings.Join(messages, " ")), removeSpaces(text)
		if got != want {
			t.Fatalf("split changed the text\n got %q\nwant %q", got, want)
		}
	})
}

// requireValidMessage fails the test if a message breaks a rule that holds for
// every input.
func requireValidMessage(t *testing.T, message string, limit int) {
	t.Helper()
	switch {
	case utf16Len(message) > limit:
		t.Fatalf("got %d units, want at most %d: %q", utf16Len(message), limit, message)
	case !utf8.ValidString(message):
		t.Fatalf("got invalid UTF-8: %q", message)
	case strings.Contains(message, "\x00"):
		t.Fatalf("got a NUL character: %q", message)
	case strings.TrimSpace(message) != message:
		t.Fatalf("got white space around the message: %q", message)
	case strings.Count(message, fence)%2 != 0:
		t.Fatalf("got %d fences, want an even number: %q", strings.Count(message, fence), message)
	}
}

// visibleText returns the text of markdown without formatting. It walks
// goldmark's tree independently of converter.
func visibleText(t *testing.T, markdown string) string {
	t.Helper()
	if tooComplex(markdown) {
		return markdown
	}
	source := []byte(markdown)
	tree := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	var visible strings.Builder
	err := ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			if n.Parent().Kind() == ast.KindCodeSpan {
				visible.Write(n.Value(source))
			} else {
				visible.WriteString(unescape(n.Value(source)))
			}
		case *ast.AutoLink:
			visible.Write(n.Label(source))
		case *ast.CodeBlock, *ast.FencedCodeBlock:
			visible.Write(n.Lines().Value(source))
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatalf("walk the tree: %v", err)
	}
	return visible.String()
}

func lettersAndDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if (unicode.IsLetter(r) || unicode.IsDigit(r)) && visible.IsVisible(r) {
			return r
		}
		return -1
	}, s)
}

// missingRunes returns the end of want that does not appear in got as a
// subsequence.
func missingRunes(want, got string) string {
	rest := []rune(want)
	for _, r := range got {
		if len(rest) > 0 && rest[0] == r {
			rest = rest[1:]
		}
	}
	return string(rest)
}

func utf16Len(s string) int { return len(utf16.Encode([]rune(s))) }

func removeSpaces(s string) string { return strings.Join(strings.Fields(s), "") }
