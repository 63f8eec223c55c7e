package whatsapp

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// leastLimit leaves room for one character with all its marks.
const leastLimit = 64

func FuzzFormat(f *testing.F) {
	for _, seed := range []string{
		"# A\n\n**b _c_** ~~d~~ `e`\n\n- f\n  1. g\n\n> h\n\n```\ni\n```\n", "|a|b|\n|-|-|\n|c|d|", "[a](b \"c\") ![d](e) <f@g.h> www.i.j",
		"a<br>b &amp; \\* 2*3*4 __init__", "👩‍🌾 e\u0301 🇰🇪 \x00", "***a** b*", "- [x] a\n-\n  > b\n  > > c", "`a``b` ```c``` `d", "00```000", "\u2029\u200d",
	} {
		f.Add(seed, 0)
	}
	f.Fuzz(func(t *testing.T, markdown string, room int) {
		limit := leastLimit + max(room, 0)%maxTextUnits
		messages := format(markdown, limit)
		if len(messages) == 0 {
			t.Fatal("no message at all")
		}
		for _, message := range messages {
			checkMessage(t, message, limit)
			if message == "" && strings.TrimSpace(legible(markdown)) != "" {
				t.Fatalf("a message is blank: %q", messages)
			}
		}
		if missing := missingFrom(letters(spoken(t, legible(markdown))), letters(strings.Join(messages, " "))); missing != "" {
			t.Fatalf("%q is missing in %q", missing, messages)
		}
	})
}

func checkMessage(t *testing.T, message string, limit int) {
	t.Helper()
	switch {
	case units(message) > limit:
		t.Fatalf("%d units, the limit is %d: %q", units(message), limit, message)
	case !utf8.ValidString(message):
		t.Fatalf("broken UTF-8: %q", message)
	case strings.Contains(message, "\x00"):
		t.Fatalf("a NUL: %q", message)
	case strings.TrimSpace(message) != message:
		t.Fatalf("not trimmed: %q", message)
	case strings.Count(message, fence)%2 != 0:
		t.Fatalf("a fence without its other: %q", message)
	}
}

// spoken is the plain text of Markdown by another way through its tree.
func spoken(t *testing.T, markdown string) string {
	t.Helper()
	if tangled(markdown) {
		return markdown
	}
	source := []byte(markdown)
	tree := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	var said strings.Builder
	err := ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			if n.Parent().Kind() == ast.KindCodeSpan {
				said.Write(n.Value(source))
			} else {
				said.WriteString(unescape(n.Value(source)))
			}
		case *ast.AutoLink:
			said.Write(n.Label(source))
		case *ast.CodeBlock, *ast.FencedCodeBlock:
			said.Write(n.Lines().Value(source))
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return said.String()
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

// missingFrom is what of all does not come in got, in this order.
func missingFrom(all, got string) string {
	rest := []rune(all)
	for _, r := range got {
		if len(rest) > 0 && rest[0] == r {
			rest = rest[1:]
		}
	}
	return string(rest)
}

// Whatever the model emphasizes is shown so, in however many messages.
func TestFormatKeepsTheStyleOfEveryWord(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		a := author{chance: chance, want: map[string]style{}}
		markdown := a.document()
		limit := leastLimit + chance.IntN(200)
		messages := format(markdown, limit)
		got := map[string]style{}
		for _, message := range messages {
			checkMessage(t, message, limit)
			read(t, message, got)
		}
		if !maps.Equal(got, a.want) {
			t.Fatalf("limit %d\n%s\nbecame %q\n got %v\nwant %v", limit, markdown, messages, got, a.want)
		}
	}
}

// author writes Markdown by chance and knows what style each word has.
type author struct {
	chance *rand.Rand
	want   map[string]style
}

func (a *author) document() string {
	var blocks []string
	for range 1 + a.chance.IntN(6) {
		switch a.chance.IntN(6) {
		case 0:
			blocks = append(blocks, "# "+a.words(bold, 2))
		case 1:
			blocks = append(blocks, "- "+a.words(0, 2)+"\n- "+a.words(0, 2)+"\n  1. "+a.words(0, 1))
		case 2:
			blocks = append(blocks, "> "+a.words(quote, 2)+"\n> "+a.words(quote, 1))
		case 3:
			blocks = append(blocks, fence+"\n"+a.word(block)+"\n  "+a.word(block)+" "+a.word(block)+"\n"+fence)
		default:
			blocks = append(blocks, a.words(0, 3)+"\n"+a.words(0, 2))
		}
	}
	return strings.Join(blocks, "\n\n")
}

func (a *author) words(style style, depth int) string {
	var words []string
	for range 1 + a.chance.IntN(5) {
		words = append(words, a.span(style, depth))
	}
	return strings.Join(words, " ")
}

func (a *author) span(within style, depth int) string {
	kinds := []struct {
		style style
		mark  string
	}{{bold, "**"}, {italic, "_"}, {strike, "~~"}, {code, "`"}}
	kind := kinds[a.chance.IntN(len(kinds))]
	switch {
	case depth == 0 || within&kind.style != 0:
		return a.word(within)
	case kind.style == code:
		return "`" + a.word(within|code) + " " + a.word(within|code) + "`"
	default:
		return kind.mark + a.words(within|kind.style, depth-1) + kind.mark
	}
}

func (a *author) word(style style) string {
	word := fmt.Sprintf("w%dx", len(a.want))
	a.want[word] = style
	return word
}

// read reads a message as WhatsApp shows it, and fails where a mark would show.
func read(t *testing.T, message string, words map[string]style) {
	t.Helper()
	for i, piece := range strings.Split(message, fence) {
		for line := range strings.Lines(piece) {
			line = strings.TrimSuffix(line, "\n")
			if i%2 == 1 {
				readMarked(t, line, block, words)
				continue
			}
			quoted, isQuote := strings.CutPrefix(line, "> ")
			if isQuote {
				readMarked(t, quoted, quote, words)
				continue
			}
			readMarked(t, line, 0, words)
		}
	}
}

func readMarked(t *testing.T, line string, style style, words map[string]style) {
	t.Helper()
	for line != "" {
		at := strings.IndexAny(line, delimiters)
		if at < 0 || style&block != 0 {
			at = len(line)
		}
		for _, word := range strings.Fields(line[:at]) {
			if strings.HasPrefix(word, "w") {
				words[word] = style
			}
		}
		if line = line[at:]; line == "" {
			return
		}
		inside, after, closed := strings.Cut(line[1:], line[:1])
		if !closed || inside == "" || strings.TrimSpace(inside) != inside || after != "" && isWord(after) {
			t.Fatalf("a mark would be shown: %q", line)
		}
		kind := strings.IndexByte(delimiters, line[0])
		readMarked(t, inside, style|1<<kind, words)
		line = after
	}
}

func isWord(s string) bool { return char{text: s}.inWord() }

func TestFormatBearsHostileText(t *testing.T) {
	t.Parallel()
	texts := map[string]string{
		"a megabyte of nested quotes": strings.Repeat("> ", 1<<19),
		"too many nested lists":       strings.Repeat("- ", maxMarkdown),
		"too many stars":              strings.Repeat("*", 2*maxMarkdown),
		"deep quotes":                 strings.Repeat(">", maxMarkdown),
		"deep lists, then nothing":    strings.Repeat("- ", maxNesting) + strings.Repeat("\n", maxMarkdown/2),
		"many marks":                  strings.Repeat("*a_ ", maxEmphases/2),
		"stars and underscores":       strings.Repeat("*_", maxMarkdown/2),
		"open links":                  strings.Repeat("[a](", maxLinks),
		"open images":                 strings.Repeat("![", maxBrackets),
		"open tags":                   strings.Repeat("<a ", maxMarkdown/3),
		"backticks":                   strings.Repeat("`", maxMarkdown),
		"a table without its cells":   strings.Repeat("a|", 10_000) + "\n" + strings.Repeat("-|", 10_000) + strings.Repeat("\na", 10_000),
		"only accents":                strings.Repeat("\u0301", maxMarkdown/2),
		"one long word":               strings.Repeat("a", maxMarkdown),
		"one long space":              "a" + strings.Repeat(" ", maxMarkdown) + "b",
	}
	for name, markdown := range texts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, message := range format(markdown, maxTextUnits) {
				checkMessage(t, message, maxTextUnits)
			}
		})
	}
}
