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
// inside a word or at a literal delimiter, or applies to its own delimiter:
// foo**bar** becomes foobar, because WhatsApp would show the stars of foo*bar*.
func removePartialStyles(word []grapheme) {
	for {
		removed := partialStyles(word)
		if removed == 0 {
			break
		}
		for i := range word {
			word[i].style &^= removed
		}
	}
	separateStyles(word)
}

// partialStyles returns the inline styles that WhatsApp cannot show in word.
// Without one of them, there can be others: delimiters in code become literal
// where the code is no longer shown as such.
func partialStyles(word []grapheme) style {
	var partial style
	for i, g := range word {
		if index := g.delimiterIndex(); index >= 0 && (g.style&codeSpan == 0 || codeSpan == 1<<index) {
			partial |= g.style & (1 << index)
		}
		partial |= stylesThatCannotBegin(word, i) | stylesThatCannotEnd(word, i)
	}
	return partial & inlineStyles
}

// stylesThatCannotBegin returns the styles of word[i] that WhatsApp would not
// show because of the grapheme before it.
func stylesThatCannotBegin(word []grapheme, i int) style {
	g, previous := word[i], grapheme{}
	if i > 0 {
		previous = word[i-1]
	}
	partial := stylesAtDelimiter(g, previous)
	if previous.isWordCharacter() && (g.isWordCharacter() || !previous.isUnstyled()) {
		partial |= g.style &^ previous.style
	}
	return partial
}

// stylesThatCannotEnd returns the styles of word[i] that WhatsApp would not show
// because of the grapheme after it.
func stylesThatCannotEnd(word []grapheme, i int) style {
	g, next := word[i], grapheme{}
	if i+1 < len(word) {
		next = word[i+1]
	}
	partial := stylesAtDelimiter(g, next)
	if next.isWordCharacter() && (g.isWordCharacter() || !next.isUnstyled()) {
		partial |= g.style &^ next.style
	}
	return partial
}

// stylesAtDelimiter returns the styles of g if it is a literal delimiter and
// messageWriter would write a delimiter between g and its neighbor. Then
// escapeLine would put an invisible space beside that one, too. Styles that the
// neighbor shares count, because messageWriter may close and reopen them.
func stylesAtDelimiter(g, neighbor grapheme) style {
	if g.delimiterIndex() < 0 || g.style&(codeSpan|linkURL) != 0 || (g.style^neighbor.style)&inlineStyles == 0 {
		return 0
	}
	return g.style
}

// isUnstyled reports whether an invisible character can be added to g: it is not
// part of a URL, and no delimiter is written between them.
func (g grapheme) isUnstyled() bool { return g.style&(inlineStyles|codeBlock|linkURL) == 0 }

// separateStyles puts an invisible character between a word character and the
// delimiter of a style that begins or ends beside it with a punctuation mark:
// without it, WhatsApp would show the stars of *Saa:*Leo.
func separateStyles(word []grapheme) {
	for i, g := range word {
		if !g.isWordCharacter() || !g.isUnstyled() {
			continue
		}
		if i+1 < len(word) && word[i+1].style&inlineStyles != 0 {
			word[i].text += zeroWidthNoBreakSpace
		}
		if i > 0 && word[i-1].style&inlineStyles != 0 {
			word[i].text = zeroWidthNoBreakSpace + word[i].text
		}
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
			before, after := line[start-1].style&inlineStyles, line[end].style&inlineStyles
			shared = before & after
			if before != after {
				shared &^= codeSpan // it closes at any change of style
			}
		}
		for i := start; i < end; i++ {
			line[i].style &= shared | ^inlineStyles
		}
		start = end
	}
}
