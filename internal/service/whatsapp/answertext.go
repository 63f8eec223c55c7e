package whatsapp

import (
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/markup"
	"aisha/internal/visible"
)

// formatAnswer formats an answer as at most maxParts messages. Where the answer
// has more text, or the model had to stop, the last message offers the rest. The
// returned completion has the text that is sent, so that the model can continue
// there. An answer that shows nothing has no messages.
//
// The text is cut before it is formatted, because the time for that grows with
// its length.
func formatAnswer(completion Completion) (Completion, []string) {
	text, cut := cutText(completion.Text.Reveal(), maxAnswerBytes)
	bodies := formatVisible(text, markup.MaxTextUnits)
	if len(bodies) == 0 || !cut && !completion.Truncated && len(bodies) <= maxParts {
		return completion, bodies
	}
	offer := "\n\n" + sentenceMore
	bodies = formatVisible(text, markup.MaxTextUnits-countUnits(offer))
	bodies = bodies[:min(len(bodies), maxParts)]
	bodies[len(bodies)-1] += offer
	completion.Text = sensitive.NewText(strings.Join(bodies, "\n\n"))
	return completion, bodies
}

// formatVisible formats the text and drops messages that show nothing.
func formatVisible(text string, limit int) []string {
	return slices.DeleteFunc(markup.Format(text, limit), visible.IsBlank)
}

func countUnits(text string) int { return len(utf16.Encode([]rune(text))) }

// cutText cuts a text that has more than limit bytes at the last end of a
// paragraph, else of a line, a sentence or a word in the second half of what
// fits.
func cutText(text string, limit int) (head string, cut bool) {
	if len(text) <= limit {
		return text, false
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	head = text[:limit]
	for _, ends := range [][]string{{"\n\n"}, {"\n"}, {". ", "? ", "! ", "… "}, {" "}} {
		last := 0
		for _, end := range ends {
			if at := strings.LastIndex(head, end); at >= 0 {
				last = max(last, at+len(end))
			}
		}
		if last > limit/2 {
			return head[:last], true
		}
	}
	return head, true
}

// cutCharacters cuts a text that has more than limit characters.
func cutCharacters(text sensitive.Text, limit int) (head sensitive.Text, cut bool) {
	value := text.Reveal()
	count := 0
	for at := range value {
		if count == limit {
			return sensitive.NewText(value[:at]), true
		}
		count++
	}
	return text, false
}

// withNotes returns the text with the notes before it.
func withNotes(text sensitive.Text, notes []string) sensitive.Text {
	if len(notes) == 0 {
		return text
	}
	return sensitive.NewText(strings.Join(append(notes, text.Reveal()), "\n\n"))
}
