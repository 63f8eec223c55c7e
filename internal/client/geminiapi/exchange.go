package geminiapi

import (
	"context"
	"errors"
	"strings"

	"github.com/google/generative-ai-go/genai"
	"google.golang.org/api/iterator"

	"aisha/internal/service/gemini"
)

// exchange sends one request and reads its answer through the SDK. A chat
// session is the only way to give the SDK a history, and one that has failed
// keeps the question in it, so each exchange has its own.
func (c *Client) exchange(ctx context.Context, model string, request gemini.Request) (gemini.Answer, error) {
	session := c.session(model, request)
	last := request.Turns[len(request.Turns)-1]
	stream := session.SendMessageStream(ctx, parts(last)...)
	var r reply
	for {
		// The SDK merges later responses into the first one, so each is read
		// before the next is asked for.
		response, err := stream.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return gemini.Answer{}, sdkFailure(err)
		}
		r.add(response)
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

// sdkFailure is failureOf for an error that may be the SDK's word for a
// refusal.
func sdkFailure(err error) *failure {
	var blocked *genai.BlockedError
	if errors.As(err, &blocked) {
		return &failure{reason: refused, detail: blocked.Error()}
	}
	return failureOf(err)
}
