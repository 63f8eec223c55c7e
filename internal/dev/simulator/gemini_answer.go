package simulator

import (
	"fmt"
	"strings"
)

// Words in a prompt that change the answer.
const (
	wordLong   = "!long"   // more than 4,096 characters, in paragraphs
	wordFormat = "!format" // Markdown of many kinds
)

// compose is what the model says. It repeats the question's words as they are,
// so that whoever reads the answer knows which question it is to, and tells how
// much of the conversation it was given.
func compose(question geminiContent, earlierTurns int) string {
	text := question.text()
	answer := fmt.Sprintf("**Simulated answer**: you wrote “%s”%s.\n\n%s", text, attachments(question), memory(earlierTurns))
	if strings.Contains(text, wordFormat) {
		answer += "\n\n" + sampleMarkdown
	}
	if strings.Contains(text, wordLong) {
		answer += "\n\n" + longText()
	}
	return answer
}

func memory(earlierTurns int) string {
	switch earlierTurns {
	case 0:
		return "There were no earlier turns in this conversation."
	case 1:
		return "I was also given **1 earlier turn** of this conversation."
	default:
		return fmt.Sprintf("I was also given **%d earlier turns** of this conversation.", earlierTurns)
	}
}

// attachments names the files that came with the question.
func attachments(question geminiContent) string {
	var named strings.Builder
	for _, part := range question.Parts {
		if part.InlineData != nil {
			fmt.Fprintf(&named, " and sent a file of type %s with %d bytes", part.InlineData.MIMEType, len(part.InlineData.Data))
		}
	}
	return named.String()
}

const sampleMarkdown = "## What Markdown can do\n\n" +
	"A word can be **bold**, *slanted*, ~~struck out~~ or `code`.\n\n" +
	"* matatu\n* boda boda\n* tuk-tuk\n\n" +
	"1. Join the waiting list\n2. Wait for your turn\n\n" +
	"> Haraka haraka haina baraka.\n\n" +
	"```\nfmt.Println(\"Habari, Nairobi\")\n```\n\n" +
	"Read more at [the example site](https://example.com/waiting-list)."

// longText is longer than one WhatsApp message may be. Its paragraphs are
// numbered, so that a missing one, or one that comes twice, can be seen.
func longText() string {
	const atLeast = 6000
	var text strings.Builder
	for n := 1; text.Len() < atLeast; n++ {
		if n > 1 {
			text.WriteString("\n\n")
		}
		fmt.Fprintf(&text, "Paragraph %d. This sentence says nothing and takes its time about it, because the answer has to be longer than one message may be. ", n)
		text.WriteString("A reader should find each paragraph whole, none of them twice, and all of them in order. ")
		text.WriteString("Where a message ends, it should end between two paragraphs, and never in the middle of a word.")
	}
	return text.String()
}

// chunks cuts an answer into a few pieces, between two words where it can. The
// pieces put together are the answer.
func chunks(answer string) []string {
	const pieces = 5
	size := max(len(answer)/pieces, 24)
	var cut []string
	for len(answer) > size {
		space := strings.IndexByte(answer[size:], ' ')
		if space < 0 {
			break
		}
		cut = append(cut, answer[:size+space])
		answer = answer[size+space:]
	}
	return append(cut, answer)
}
