package markup

// adaptStyles changes text in place so that WhatsApp shows it as intended. In
// WhatsApp an inline style ends with the line, opens before a word and closes
// after one.
func adaptStyles(text []grapheme) {
	for start := 0; start < len(text); {
		end := start
		for end < len(text) && text[end].text != "\n" {
			end++
		}
		adaptLine(text[start:end])
		start = end + 1
	}
}

func adaptLine(line []grapheme) {
	for start := 0; start < len(line); {
		end := start
		for end < len(line) && line[end].isSpace() == line[start].isSpace() {
			end++
		}
		if !line[start].isSpace() {
			removePartialStyles(line[start:end])
		}
		start = end
	}
	restyleSpaces(line)
	escapeLine(line)
}

// removePartialStyles removes the inline styles that WhatsApp cannot show in
// word, a sequence of graphemes without a space. Such a style begins or ends
// beside a word character, or applies to its own delimiter: foo**bar** becomes
// foobar, because WhatsApp would show the stars of foo*bar*.
func removePartialStyles(word []grapheme) {
	var removed style
	for i, g := range word {
		if index := g.delimiterIndex(); index >= 0 {
			removed |= g.style & (1 << index)
		}
		if i == 0 {
			continue
		}
		previous := word[i-1]
		if previous.isWordCharacter() {
			removed |= g.style &^ previous.style
		}
		if g.isWordCharacter() {
			removed |= previous.style &^ g.style
		}
	}
	for i := range word {
		word[i].style &^= removed & inlineStyles
	}
}

// restyleSpaces limits the inline styles of spaces to those that the words on
// both sides have, because WhatsApp does not accept a delimiter between a word
// and the space inside its style.
func restyleSpaces(line []grapheme) {
	for start := 0; start < len(line); start++ {
		if !line[start].isSpace() {
			continue
		}
		end := start
		for end < len(line) && line[end].isSpace() {
			end++
		}
		var shared style
		if start > 0 && end < len(line) {
			shared = line[start-1].style & line[end].style
		}
		for i := start; i < end; i++ {
			line[i].style &= shared | ^inlineStyles
		}
		start = end
	}
}
