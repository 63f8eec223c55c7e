package markup

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode"
)

// However delimiters, letters and punctuation marks meet, WhatsApp shows the
// letters and digits of the Markdown in their order, and each delimiter that is
// no formatting, and no other.
func TestFormat_RandomDelimiters(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 5_000 {
		requireShown(t, randomDelimiters(random), minLimit+random.IntN(200))
	}
}

// FuzzFormat_Delimiters is TestFormat_RandomDelimiters guided by coverage.
func FuzzFormat_Delimiters(f *testing.F) {
	f.Add(uint64(1), uint64(2), 0)
	f.Fuzz(func(t *testing.T, seed1, seed2 uint64, extraUnits int) {
		requireShown(t, randomDelimiters(rand.New(rand.NewPCG(seed1, seed2))), minLimit+max(extraUnits, 0)%MaxTextUnits)
	})
}

func requireShown(t *testing.T, markdown string, limit int) {
	t.Helper()
	messages := Format(markdown, limit)
	var shown strings.Builder
	for _, message := range messages {
		requireValidMessage(t, message, limit)
		shown.WriteString(shownByWhatsApp(message))
	}
	if got, want := lettersAndDigits(shown.String()), lettersAndDigits(markdown); got != want {
		t.Fatalf("Format(%q) = %q shows the letters %q, want %q", markdown, messages, got, want)
	}
	var want strings.Builder
	for _, g := range parseMarkdown(markdown) {
		want.WriteString(g.text)
	}
	if got, want := withoutSpaces(shown.String()), withoutSpaces(want.String()); got != want {
		t.Fatalf("Format(%q) = %q\n shows %q\n want  %q", markdown, messages, got, want)
	}
	again := Format(strings.Join(messages, "\n\n"), MaxTextUnits)
	if got, most := utf16Len(strings.Join(again, "")), 2*utf16Len(markdown)+minLimit; got > most {
		t.Fatalf("formatting %q again gives %d units, want at most %d: %q", messages, got, most, again)
	}
}

// randomDelimiters returns lines of Markdown with many delimiters.
func randomDelimiters(random *rand.Rand) string {
	pieces := []string{
		"*", "*", "**", "**", "**", "***", "_", "__", "~", "~~", "`", "\\*",
		"a", "B", "neno", "Saa", "x", "字", "重点", "é", "3", "42", "snake_case",
		" ", " ", " ", ":", ".", ",", "!", "(", ")", "\"", "'", "“", "”", "：", "-", "/", "+", "$", "👋", "👩\u200D🌾",
	}
	var markdown strings.Builder
	for i := range 1 + random.IntN(3) {
		if i > 0 {
			markdown.WriteString("\n")
		}
		// A line that begins with a digit could be an item of a list with another number.
		markdown.WriteString([]string{"", "", "- ", "* "}[random.IntN(4)])
		markdown.WriteString([]string{"", "", "neno", "Leo ", "**", "*"}[random.IntN(6)] + "w")
		for range random.IntN(12) {
			markdown.WriteString(pieces[random.IntN(len(pieces))])
		}
	}
	return markdown.String()
}

// shownByWhatsApp returns what WhatsApp shows of message: the text without the
// delimiters that it takes for formatting. It reads formatting independently of
// this package. A delimiter opens before a character that is no space and not
// after a letter or digit, and closes after a character that is no space and not
// before a letter or digit.
func shownByWhatsApp(message string) string {
	var shown strings.Builder
	for i, part := range strings.Split(message, fence) {
		if i%2 == 1 {
			shown.WriteString(part)
			continue
		}
		for line := range strings.Lines(part) {
			shown.WriteString(shownOfLine([]rune(line)))
		}
	}
	return shown.String()
}

func shownOfLine(line []rune) string {
	var shown strings.Builder
	for at := 0; at < len(line); at++ {
		end := spanEnd(line, at)
		switch {
		case end < 0:
			shown.WriteRune(line[at])
			continue
		case line[at] == '`':
			shown.WriteString(string(line[at+1 : end]))
		default:
			shown.WriteString(shownOfLine(line[at+1 : end]))
		}
		at = end
	}
	return shown.String()
}

// spanEnd returns the index of the delimiter that closes the one at at, or -1 if
// WhatsApp does not format anything there.
func spanEnd(line []rune, at int) int {
	isSpace := func(r rune) bool { return r == '\uFEFF' || unicode.IsSpace(r) }
	isWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }
	if !strings.ContainsRune(delimiters, line[at]) || at+1 == len(line) || isSpace(line[at+1]) || at > 0 && isWord(line[at-1]) {
		return -1
	}
	for end := at + 1; end < len(line); end++ {
		if end > at+1 && line[end] == line[at] && !isSpace(line[end-1]) && (end+1 == len(line) || !isWord(line[end+1])) {
			return end
		}
		if line[at] != '`' && line[end] == '`' { // nothing in code closes a style
			end = max(end, spanEnd(line, end))
		}
	}
	return -1
}

// withoutSpaces returns text without white space and invisible characters.
func withoutSpaces(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\uFEFF' || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}
