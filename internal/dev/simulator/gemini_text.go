package simulator

import (
	"fmt"
	"strings"
)

// Commands in a prompt that change the completion.
const (
	commandLong   = "!long"   // adds more than 4,096 characters, in paragraphs
	commandFormat = "!format" // adds examples of Markdown
)

// completionText returns the text of the completion. It repeats the question
// unchanged, so that a reader or a test can match it to the question, and states
// how many earlier turns the model received.
func completionText(question geminiContent, earlierTurns int) string {
	text := question.text()
	completion := fmt.Sprintf("**Simulated answer**: you wrote “%s”%s.\n\n%s", text, attachmentsText(question), earlierTurnsText(earlierTurns))
	if strings.Contains(text, commandFormat) {
		completion += "\n\n" + sampleMarkdown
	}
	if strings.Contains(text, commandLong) {
		completion += "\n\n" + longText()
	}
	return completion
}

func earlierTurnsText(earlierTurns int) string {
	switch earlierTurns {
	case 0:
		return "There were no earlier turns in this conversation."
	case 1:
		return "I was also given **1 earlier turn** of this conversation."
	default:
		return fmt.Sprintf("I was also given **%d earlier turns** of this conversation.", earlierTurns)
	}
}

// attachmentsText describes the files of the question.
func attachmentsText(question geminiContent) string {
	var text strings.Builder
	for _, part := range question.Parts {
		if part.InlineData != nil {
			fmt.Fprintf(&text, " and sent a file of type %s with %d bytes", part.InlineData.MIMEType, len(part.InlineData.Data))
		}
	}
	return text.String()
}

const sampleMarkdown = "## What Markdown can do\n\n" +
	"A word can be **bold**, *slanted*, ~~struck out~~ or `code`.\n\n" +
	"* matatu\n* boda boda\n* tuk-tuk\n\n" +
	"1. Join the waiting list\n2. Wait for your turn\n\n" +
	"> Haraka haraka haina baraka.\n\n" +
	"```\nfmt.Println(\"Habari, Nairobi\")\n```\n\n" +
	"Read more at [the example site](https://example.com/waiting-list)."

// longText returns a text that does not fit in one WhatsApp message. Its
// paragraphs are numbered, so that a reader notices a missing or repeated one.
func longText() string {
	const minLength = 6000 // bytes
	var text strings.Builder
	for n := 1; text.Len() < minLength; n++ {
		if n > 1 {
			text.WriteString("\n\n")
		}
		fmt.Fprintf(&text, "Paragraph %d. This sentence says nothing and takes its time about it, because the answer has to be longer than one message may be. ", n)
		text.WriteString("A reader should find each paragraph whole, none of them twice, and all of them in order. ")
		text.WriteString("Where a message ends, it should end between two paragraphs, and never in the middle of a word.")
	}
	return text.String()
}

// splitChunks splits a text before spaces into about five chunks. The chunks
// joined are the text.
func splitChunks(text string) []string {
	const target = 5
	size := max(len(text)/target, 24)
	var chunks []string
	for len(text) > size {
		space := strings.IndexByte(text[size:], ' ')
		if space < 0 {
			break
		}
		chunks = append(chunks, text[:size+space])
		text = text[size+space:]
	}
	return append(chunks, text)
}
