package main

import (
	"context"
	"errors"
	"fmt"

	"aisha/internal/client/geminiapi"
	"aisha/internal/service/gemini"
	"aisha/internal/service/operation"
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
		return whatsapp.Completion{}, modelError(err, question)
	}
	return whatsapp.Completion{
		Text:           completion.Text,
		Model:          completion.Model,
		Truncated:      completion.FinishReason == "MAX_TOKENS",
		PromptTokens:   completion.PromptTokens,
		ResponseTokens: completion.ResponseTokens,
	}, nil
}

// modelError adds whatsapp.ErrUnreadableFile where the model refused a request
// with files as invalid. The API does not say whether a file is the cause.
func modelError(err error, question whatsapp.Question) error {
	if len(question.Files) > 0 && errors.Is(err, geminiapi.ErrInvalidRequest) {
		return fmt.Errorf("%w: %w", whatsapp.ErrUnreadableFile, err)
	}
	return err
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

// importRunner runs the operations that import files.
type importRunner struct{ importer *waitlist.Importer }

// Open implements operation.Runner.
func (r importRunner) Open(ctx context.Context, op operation.Operation) (operation.Chunks, error) {
	run, err := r.importer.Open(ctx, op.Args, op.Cursor)
	if err != nil {
		return nil, err
	}
	return importChunks{run}, nil
}

// importChunks are the batches of an import.
type importChunks struct{ run *waitlist.ImportRun }

// Next implements operation.Chunks.
func (c importChunks) Next(ctx context.Context, _ operation.Operation) (operation.Step, error) {
	batch, err := c.run.Next(ctx)
	if err != nil {
		return operation.Step{}, err
	}
	step := operation.Step{Cursor: batch.Cursor, Done: batch.Done, Total: &batch.Total}
	if batch.Result != nil {
		step.Result = batch.Result
	}
	return step, nil
}
