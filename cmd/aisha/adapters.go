package main

import (
	"context"

	"aisha/internal/service/gemini"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

// modelAdapter lets the WhatsApp service ask the Gemini service. The services do not
// import each other.
type modelAdapter struct{ gemini *gemini.Service }

// Complete implements whatsapp.Model.
func (a modelAdapter) Complete(ctx context.Context, question whatsapp.Question) (whatsapp.Completion, error) {
	completion, err := a.gemini.Converse(ctx, gemini.Request{
		Instructions: question.Instructions,
		Contents:     contents(question),
	}).Get()
	if err != nil {
		return whatsapp.Completion{}, err
	}
	return whatsapp.Completion{
		Text:           completion.Text,
		Model:          completion.Model,
		PromptTokens:   completion.PromptTokens,
		ResponseTokens: completion.ResponseTokens,
	}, nil
}

// contents returns the history and the question as the model expects them.
func contents(question whatsapp.Question) []gemini.Content {
	var contents []gemini.Content
	for _, turn := range question.History {
		contents = append(contents,
			gemini.Content{Role: gemini.RoleUser, Parts: []gemini.Part{{Text: turn.Question}}},
			gemini.Content{Role: gemini.RoleModel, Parts: []gemini.Part{{Text: turn.Answer}}})
	}
	asked := gemini.Content{Role: gemini.RoleUser, Parts: []gemini.Part{{Text: question.Text}}}
	for _, file := range question.Files {
		asked.Parts = append(asked.Parts, gemini.Part{MIMEType: file.MIMEType, Data: file.Data})
	}
	return append(contents, asked)
}

// waitlistAdapter lets the WhatsApp service add people to the waiting list.
type waitlistAdapter struct{ waitlist *waitlist.Service }

// CanJoin implements whatsapp.Waitlist.
func (w waitlistAdapter) CanJoin(who webhook.Identity) bool {
	return waitlist.CanJoinVerified(who.WaID)
}

// Join implements whatsapp.Waitlist.
func (w waitlistAdapter) Join(ctx context.Context, who webhook.Identity) error {
	_, err := w.waitlist.JoinVerified(ctx, who.Name, who.WaID).Get()
	return err
}
