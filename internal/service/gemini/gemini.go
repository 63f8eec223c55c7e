// Package gemini decides what may be asked of the language model and how much
// of a conversation it is reminded of. How the model is reached is left to
// whatever implements Model; what a conversation is for, to whoever has it.
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

// MaxPromptCharacters bounds a prompt, after trimming.
const MaxPromptCharacters = 32_000

// errNotConfigured comes before everything else: without a model there is no
// use in telling a caller how to ask.
var errNotConfigured = fault.New(fault.NotConfigured, "the assistant is not configured")

// Service answers single prompts and conversations.
type Service struct {
	model Model
}

// New is a Service that asks model. A nil model is one that is not configured:
// every question then fails with fault.NotConfigured.
func New(model Model) *Service { return &Service{model: model} }

// Ask answers a prompt that stands alone. Besides the model's errors it fails
// with fault.Invalid.
func (s *Service) Ask(ctx context.Context, prompt string) resource.Resource[Answer] {
	return resource.From(s.ask(ctx, prompt))
}

// Converse answers the last turn of a conversation. The model is reminded of
// as many of the turns before it as [MaxHistoryTokens] allows. Besides the
// model's errors it fails with fault.Invalid.
func (s *Service) Converse(ctx context.Context, request Request) resource.Resource[Answer] {
	return resource.From(s.converse(ctx, request))
}

func (s *Service) ask(ctx context.Context, prompt string) (Answer, error) {
	if s.model == nil {
		return Answer{}, errNotConfigured
	}
	prompt = strings.TrimSpace(prompt)
	if err := checkPrompt(prompt); err != nil {
		return Answer{}, err
	}
	return s.model.Generate(ctx, Request{Turns: []Turn{{Role: User, Parts: []Part{{Text: sensitive.NewText(prompt)}}}}})
}

func (s *Service) converse(ctx context.Context, request Request) (Answer, error) {
	if s.model == nil {
		return Answer{}, errNotConfigured
	}
	request.Turns = recent(alternating(request.Turns))
	if len(request.Turns) == 0 {
		return Answer{}, fault.InvalidField("turns", "the last turn must be the user's")
	}
	return s.model.Generate(ctx, request)
}

func checkPrompt(prompt string) error {
	switch {
	case !utf8.ValidString(prompt):
		return fault.InvalidField("prompt", "must be valid UTF-8")
	case prompt == "":
		return fault.InvalidField("prompt", "must not be empty")
	case utf8.RuneCountInString(prompt) > MaxPromptCharacters:
		return fault.InvalidField("prompt", "must have at most "+strconv.Itoa(MaxPromptCharacters)+" characters")
	}
	return nil
}
