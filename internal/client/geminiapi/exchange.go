package geminiapi

import (
	"context"
	"errors"
	"strings"

	"github.com/google/generative-ai-go/genai"
	"google.golang.org/api/iterator"

	"aisha/internal/service/gemini"
)

// exchange sends one request through the SDK, whose transport reads the answer.
// A chat session is the only way to give the SDK a history, and one that has
// failed keeps the question in it, so each exchange has its own.
func (c *Client) exchange(ctx context.Context, model string, request gemini.Request) (gemini.Answer, error) {
	var r reply
	session := c.session(model, request)
	last := request.Turns[len(request.Turns)-1]
	stream := session.SendMessageStream(withReply(ctx, &r), parts(last)...)
	if _, err := stream.Next(); !errors.Is(err, iterator.Done) {
		return gemini.Answer{}, failureOf(err)
	}
	return r.answer(model)
}

func (c *Client) session(model string, request gemini.Request) *genai.ChatSession {
	m := c.sdk.GenerativeModel(model)
	if request.Instructions != "" {
		m.SystemInstruction = genai.NewUserContent(text(request.Instructions))
	}
	session := m.StartChat()
	for _, turn := range request.Turns[:len(request.Turns)-1] {
		content := &genai.Content{Role: "user", Parts: parts(turn)}
		if turn.Role == gemini.Assistant {
			content.Role = "model"
		}
		session.History = append(session.History, content)
	}
	return session
}

func parts(turn gemini.Turn) []genai.Part {
	var parts []genai.Part
	for _, part := range turn.Parts {
		if !part.Text.IsZero() {
			parts = append(parts, text(part.Text.Reveal()))
		}
		if len(part.Data) > 0 {
			parts = append(parts, genai.Blob{MIMEType: part.MIMEType, Data: part.Data})
		}
	}
	return parts
}

// text is s in UTF-8: the SDK cannot send anything else.
func text(s string) genai.Text { return genai.Text(strings.ToValidUTF8(s, "\uFFFD")) }
