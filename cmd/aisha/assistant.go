package main

import (
	"context"

	"aisha/internal/service/gemini"
	"aisha/internal/service/waitlist"
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
	asked := gemini.Turn{Role: gemini.User, Parts: []gemini.Part{{Text: q.Said}}}
	for _, file := range q.Files {
		asked.Parts = append(asked.Parts, gemini.Part{MIMEType: file.MIMEType, Data: file.Data})
	}
	request.Turns = append(request.Turns, asked)

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

// signUps lets the WhatsApp service put people on the waiting list.
type signUps struct{ waitlist *waitlist.Service }

// CanJoin implements whatsapp.Waitlist.
func (s signUps) CanJoin(who whatsapp.Identity) bool { return waitlist.CanVouch(who.Phone) }

// Join implements whatsapp.Waitlist.
func (s signUps) Join(ctx context.Context, who whatsapp.Identity) error {
	_, err := s.waitlist.Vouch(ctx, who.Name, who.Phone).Get()
	return err
}
