package main

import (
	"context"

	"aisha/internal/service/gemini"
	"aisha/internal/service/whatsapp"
)

// assistant lets the WhatsApp service ask the Gemini service: the two know
// nothing of each other.
type assistant struct{ gemini *gemini.Service }

// Answer implements whatsapp.Model.
func (a assistant) Answer(ctx context.Context, q whatsapp.Question) (whatsapp.Words, error) {
	request := gemini.Request{Instructions: q.Instructions}
	for _, exchange := range q.History {
		request.Turns = append(request.Turns,
			gemini.Turn{Role: gemini.User, Parts: []gemini.Part{{Text: exchange.Said}}},
			gemini.Turn{Role: gemini.Assistant, Parts: []gemini.Part{{Text: exchange.Answered}}})
	}
	request.Turns = append(request.Turns, gemini.Turn{Role: gemini.User, Parts: []gemini.Part{{Text: q.Said}}})

	answer, err := a.gemini.Converse(ctx, request).Get()
	if err != nil {
		return whatsapp.Words{}, err
	}
	return whatsapp.Words{
		Body:           answer.Text,
		Model:          answer.Model,
		PromptTokens:   answer.PromptTokens,
		ResponseTokens: answer.ResponseTokens,
	}, nil
}
