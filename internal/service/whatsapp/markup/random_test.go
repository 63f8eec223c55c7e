package markup

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// Each word of a random document has the same styles in WhatsApp as in the
// Markdown, however many messages the document needs.
func TestFormat_RandomDocuments(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		g := documentGenerator{random: random, styles: map[string]style{}}
		markdown := g.document()
		limit := minLimit + random.IntN(200)
		messages := Format(markdown, limit)
		got := map[string]style{}
		for _, message := range messages {
			requireValidMessage(t, message, limit)
			readMessage(t, message, got)
		}
		if !maps.Equal(got, g.styles) {
			t.Fatalf("Format with limit %d of\n%s\nreturned %q\n got styles %v\nwant styles %v", limit, markdown, messages, got, g.styles)
		}
	}
}

// documentGenerator writes random Markdown and records the styles of each word.
type documentGenerator struct {
	random *rand.Rand
	styles map[string]style // by word
}

func (g *documentGenerator) document() string {
	var blocks []string
	for range 1 + g.random.IntN(6) {
		switch g.random.IntN(6) {
		case 0:
			blocks = append(blocks, "# "+g.words(bold, 2))
		case 1:
			blocks = append(blocks, "- "+g.words(0, 2)+"\n- "+g.words(0, 2)+"\n  1. "+g.words(0, 1))
		case 2:
			blocks = append(blocks, "> "+g.words(quote, 2)+"\n> "+g.words(quote, 1))
		case 3:
			blocks = append(blocks, fence+"\n"+g.word(codeBlock)+"\n  "+g.word(codeBlock)+" "+g.word(codeBlock)+"\n"+fence)
		default:
			blocks = append(blocks, g.words(0, 3)+"\n"+g.words(0, 2))
		}
	}
	return strings.Join(blocks, "\n\n")
}

// words returns one to five spans. Inside them, at most depth further styles
// are nested.
func (g *documentGenerator) words(outer style, depth int) string {
	var words []string
	for range 1 + g.random.IntN(5) {
		words = append(words, g.span(outer, depth))
	}
	return strings.Join(words, " ")
}

// span returns a word, or words in one more style.
func (g *documentGenerator) span(outer style, depth int) string {
	kinds := []struct {
		style     style
		delimiter string
	}{{bold, "**"}, {italic, "_"}, {strikethrough, "~~"}, {codeSpan, "`"}}
	kind := kinds[g.random.IntN(len(kinds))]
	switch {
	case depth == 0 || outer&kind.style != 0:
		return g.word(outer)
	case kind.style == codeSpan:
		return "`" + g.word(outer|codeSpan) + " " + g.word(outer|codeSpan) + "`"
	default:
		return kind.delimiter + g.words(outer|kind.style, depth-1) + kind.delimiter
	}
}

func (g *documentGenerator) word(style style) string {
	word := fmt.Sprintf("w%dx", len(g.styles))
	g.styles[word] = style
	return word
}

// readMessage reads a message as WhatsApp shows it and adds the style of each
// word to styles. It fails if WhatsApp would show a delimiter.
func readMessage(t *testing.T, message string, styles map[string]style) {
	t.Helper()
	for i, part := range strings.Split(message, fence) {
		isCodeBlock := i%2 == 1
		for line := range strings.Lines(part) {
			line = strings.TrimSuffix(line, "\n")
			quoted, isQuote := strings.CutPrefix(line, "> ")
			switch {
			case isCodeBlock:
				readInline(t, line, codeBlock, styles)
			case isQuote:
				readInline(t, quoted, quote, styles)
			default:
				readInline(t, line, 0, styles)
			}
		}
	}
}

// readInline reads text, which already has the style outer.
func readInline(t *testing.T, text string, outer style, styles map[string]style) {
	t.Helper()
	for text != "" {
		at := strings.IndexAny(text, delimiters)
		if at < 0 || outer&codeBlock != 0 {
			at = len(text)
		}
		for _, word := range strings.Fields(text[:at]) {
			if strings.HasPrefix(word, "w") {
				styles[word] = outer
			}
		}
		if text = text[at:]; text == "" {
			return
		}
		inside, after, closed := strings.Cut(text[1:], text[:1])
		if !closed || inside == "" || strings.TrimSpace(inside) != inside || after != "" && startsWithWord(after) {
			t.Fatalf("WhatsApp would show a delimiter of %q", text)
		}
		index := strings.IndexByte(delimiters, text[0])
		readInline(t, inside, outer|1<<index, styles)
		text = after
	}
}

func startsWithWord(s string) bool { return grapheme{text: s}.isWordCharacter() }
