// Package gemini validates prompts and selects how much of a conversation the
// model receives. Package geminiapi, which implements Model, calls the API.
package gemini

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf8"

	"aisha/internal/fault"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
)

// MaxPromptCharacters is the maximum length of a prompt after trimming.
const MaxPromptCharacters = 32_000

// Limits of a completion, in tokens, thoughts of the model included. A token is
// about four characters of English and two to three of Swahili.
const (
	// maxPromptOutputTokens limits the completion for a single prompt.
	maxPromptOutputTokens = 8_192
	// maxConversationOutputTokens limits the completion in a conversation, which
	// is read on a phone: about two WhatsApp messages.
	maxConversationOutputTokens = 2_048
)

// errNotConfigured takes precedence over the validation of a request: without
// a model, a valid request would fail as well.
var errNotConfigured = fault.New(fault.NotConfigured, "the assistant is not configured")

// Service generates completions for single prompts and for conversations.
type Service struct {
	model Model
}

// New returns a Service that uses model. If model is nil, every call fails with
// fault.NotConfigured.
func New(model Model) *Service { return &Service{model: model} }

// Ask returns a completion for a single prompt. It fails with fault.Invalid if
// the prompt is not valid, and with the errors of [Model].
func (s *Service) Ask(ctx context.Context, prompt string) resource.Resource[Completion] {
	return resource.From(s.ask(ctx, prompt))
}

// Converse returns a completion for the last content of a conversation. The
// model also receives as many of the contents before it as [MaxHistoryTokens]
// allows. It fails with fault.Invalid if the last content that is not blank is
// not the user's, and with the errors of [Model].
func (s *Service) Converse(ctx context.Context, request Request) resource.Resource[Completion] {
	return resource.From(s.converse(ctx, request))
}

func (s *Service) ask(ctx context.Context, prompt string) (Completion, error) {
	if s.model == nil {
		return Completion{}, errNotConfigured
	}
	prompt = strings.TrimSpace(prompt)
	if err := checkPrompt(prompt); err != nil {
		return Completion{}, err
	}
	content := Content{Role: RoleUser, Parts: []Part{{Text: sensitive.NewText(prompt)}}}
	return s.model.Generate(ctx, Request{Contents: []Content{content}, MaxOutputTokens: maxPromptOutputTokens})
}

func (s *Service) converse(ctx context.Context, request Request) (Completion, error) {
	if s.model == nil {
		return Completion{}, errNotConfigured
	}
	request.Contents = mostRecent(mergeSameRole(request.Contents))
	if len(request.Contents) == 0 {
		return Completion{}, fault.InvalidField("contents", fault.FieldInvalidValue, "the last content must be the user's")
	}
	request.MaxOutputTokens = maxConversationOutputTokens
	return s.model.Generate(ctx, request)
}

func checkPrompt(prompt string) error {
	switch {
	case !utf8.ValidString(prompt):
		return fault.InvalidField("prompt", fault.FieldNotUnicode, "must be valid UTF-8")
	case prompt == "":
		return fault.InvalidField("prompt", fault.FieldRequired, "must not be empty")
	case utf8.RuneCountInString(prompt) > MaxPromptCharacters:
		return fault.InvalidField("prompt", fault.FieldTooLong, "must have at most "+strconv.Itoa(MaxPromptCharacters)+" characters")
	}
	return nil
}
