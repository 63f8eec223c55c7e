package geminiapi

import (
	"context"
	"errors"
	"strings"

	"github.com/google/generative-ai-go/genai"
	"google.golang.org/api/iterator"

	"aisha/internal/service/gemini"
)

// generateOnce sends one request through the SDK. The transport reads the
// response, so the SDK's own stream is always empty.
func (c *Client) generateOnce(ctx context.Context, model string, request gemini.Request) (gemini.Completion, error) {
	exchange := newCall(request, c.options.APIKey)
	session := c.newSession(model, request)
	last := request.Contents[len(request.Contents)-1]
	stream := session.SendMessageStream(withCall(ctx, exchange), sdkParts(last)...)
	if _, err := stream.Next(); !errors.Is(err, iterator.Done) {
		return gemini.Completion{}, failureOf(err)
	}
	return exchange.response.completion(model)
}

// newSession returns a chat session with all contents of the request but the
// last. Only a chat session accepts a history. A session that failed keeps the
// last content in its history, so every attempt needs a new one.
func (c *Client) newSession(model string, request gemini.Request) *genai.ChatSession {
	m := c.sdk.GenerativeModel(model)
	m.SetMaxOutputTokens(request.MaxOutputTokens)
	if request.Instructions != "" {
		m.SystemInstruction = genai.NewUserContent(sdkText(request.Instructions))
	}
	session := m.StartChat()
	for _, content := range request.Contents[:len(request.Contents)-1] {
		session.History = append(session.History, &genai.Content{Role: sdkRole(content.Role), Parts: sdkParts(content)})
	}
	return session
}

func sdkRole(role gemini.Role) string {
	if role == gemini.RoleModel {
		return "model"
	}
	return "user"
}

// sdkParts converts the parts of a content that are not empty. Files become
// placeholders.
func sdkParts(content gemini.Content) []genai.Part {
	var converted []genai.Part
	for _, part := range content.Parts {
		if !part.Text.IsZero() {
			converted = append(converted, sdkText(part.Text.Reveal()))
		}
		if len(part.Data) > 0 {
			converted = append(converted, genai.Blob{MIMEType: part.MIMEType, Data: []byte(filePlaceholder)})
		}
	}
	return converted
}

// sdkText converts s. The SDK fails on invalid UTF-8, so such bytes are
// replaced.
func sdkText(s string) genai.Text { return genai.Text(strings.ToValidUTF8(s, "\uFFFD")) }
