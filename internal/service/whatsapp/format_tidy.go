package whatsapp

import "strings"

// breaker is the invisible character that keeps a literal * from being taken
// for formatting. WhatsApp has no escapes, but a mark with a space inside it is
// no mark. U+FEFF, the zero-width no-break space, is white space where programs
// written in JavaScript ask, as U+200B is not, and breaks no line.
const breaker = "\uFEFF"

// tidy makes the formatting of text such that WhatsApp can show it. There, all
// formatting ends with the line, opens before a word and closes behind one.
func tidy(text []char) {
	for start := 0; start < len(text); {
		end := start
		for end < len(text) && text[end].text != "\n" {
			end++
		}
		tidyLine(text[start:end])
		start = end + 1
	}
}

func tidyLine(line []char) {
	for start := 0; start < len(line); {
		end := start
		for end < len(line) && line[end].isSpace() == line[start].isSpace() {
			end++
		}
		if !line[start].isSpace() {
			tidyWord(line[start:end])
		}
		start = end
	}
	tidySpaces(line)
	protect(line)
}

// tidyWord takes away the styles that cannot be marked within word, which is
// anything without a space in it: foo**bar** becomes foobar, since WhatsApp
// would show the marks.
func tidyWord(word []char) {
	var lost style
	for i, c := range word {
		if at := strings.IndexByte(delimiters, c.text[0]); at >= 0 {
			lost |= c.style & (1 << at)
		}
		if i == 0 {
			continue
		}
		previous := word[i-1]
		if previous.inWord() {
			lost |= c.style &^ previous.style
		}
		if c.inWord() {
			lost |= previous.style &^ c.style
		}
	}
	for i := range word {
		word[i].style &^= lost & inline
	}
}

// tidySpaces leaves a space only the styles of both its neighbours, as marks
// stand close to what they mark.
func tidySpaces(line []char) {
	for start := 0; start < len(line); start++ {
		if !line[start].isSpace() {
			continue
		}
		end := start
		for end < len(line) && line[end].isSpace() {
			end++
		}
		var around style
		if start > 0 && end < len(line) {
			around = line[start-1].style & line[end].style
		}
		for i := start; i < end; i++ {
			line[i].style &= around | ^inline
		}
		start = end
	}
}

// protect breaks the literal characters in line that WhatsApp would take for
// marks, and keeps its words from looking like a list or a quote.
func protect(line []char) {
	pairs := findPairs(line)
	for i, c := range line {
		kind := strings.IndexByte(delimiters, c.text[0])
		if kind < 0 || c.style&(code|link) != 0 {
			continue
		}
		if c.style&block == 0 && pairs[kind].opens < pairs[kind].closes {
			line[i].text = harmless(line, i)
		}
		if endsFence(line[:i+1]) {
			line[i].text = breaker + line[i].text
		}
	}
	if at := leads(line); beginsBlock(line[at:]) {
		line[at].text = breaker + line[at].text
	}
}

// pair is where the first mark of a kind in a line may open, and where the last
// may close.
type pair struct{ opens, closes int }

func findPairs(line []char) (pairs [len(delimiters)]pair) {
	for kind := range pairs {
		pairs[kind].opens = len(line)
	}
	for i, c := range line {
		if kind := strings.IndexByte(delimiters, c.text[0]); kind >= 0 && c.style&(code|link) == 0 {
			if mayOpen(line, i) {
				pairs[kind].opens = min(pairs[kind].opens, i)
			}
			if mayClose(line, i) {
				pairs[kind].closes = i
			}
		}
		for kind := range pairs {
			if c.style&(1<<kind) != 0 {
				pairs[kind] = pair{min(pairs[kind].opens, i), i + 1}
			}
		}
	}
	return pairs
}

func mayOpen(line []char, i int) bool {
	return (i == 0 || !line[i-1].inWord()) && i+1 < len(line) && !line[i+1].isSpace()
}

func mayClose(line []char, i int) bool {
	return i > 0 && !line[i-1].isSpace() && (i+1 == len(line) || !line[i+1].inWord())
}

// harmless is the literal at i with a breaker on the side that it would mark.
func harmless(line []char, i int) string {
	text := line[i].text
	if mayOpen(line, i) {
		text += breaker
	}
	if mayClose(line, i) {
		text = breaker + text
	}
	return text
}

// endsFence says whether text ends with three literal backticks, which count
// anywhere, even inside a word.
func endsFence(text []char) bool {
	n := len(text)
	return n >= 3 && strings.HasPrefix(text[n-1].text, "`") && text[n-2].text == "`" && strings.HasSuffix(text[n-3].text, "`")
}

// leads is how many characters of line are its own list marker and indentation.
func leads(line []char) int {
	at := 0
	for at < len(line) && line[at].style&lead != 0 {
		at++
	}
	return at
}

// beginsBlock says whether WhatsApp would take words for a quote or a list.
func beginsBlock(words []char) bool {
	digits := 0
	for digits < len(words) && strings.Contains("0123456789", words[digits].text) {
		digits++
	}
	starts := func(with string) bool { return digits < len(words) && words[digits].text == with }
	spaced := digits+1 < len(words) && words[digits+1].isSpace()
	switch {
	case len(words) == 0 || words[0].style&(inline|block|link) != 0:
		return false
	case digits > 0:
		return spaced && starts(".")
	default:
		return starts(">") || spaced && (starts("-") || starts("*"))
	}
}
