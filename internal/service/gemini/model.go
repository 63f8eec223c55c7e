package gemini

import (
	"context"
	"time"

	"aisha/internal/sensitive"
)

// Role is who speaks in a conversation.
type Role uint8

// The two sides of a conversation.
const (
	User Role = iota
	Assistant
)

// Part is a piece of what somebody said: words, or a file's bytes with their
// MIME type.
type Part struct {
	Text     sensitive.Text
	MIMEType string
	Data     []byte
}

// Turn is everything that one side said before the other spoke.
type Turn struct {
	Role  Role
	Parts []Part
}

// Request is what the model is asked. Its last turn is the user's.
type Request struct {
	Instructions string // who the assistant is; empty for none
	Turns        []Turn // oldest first, User and Assistant in alternation, at least one
}

// Answer is what the model said.
type Answer struct {
	Text           sensitive.Text
	Model          string // the model that answered, which may be the fallback
	FinishReason   string // as the API names it: STOP, MAX_TOKENS, …
	PromptTokens   int
	ResponseTokens int           // what was thought counts too
	Took           time.Duration // all attempts and the pauses between them
}

// Model is the upstream that answers. Its errors are faults:
//
//   - fault.Blocked: the model refused the prompt or its own answer
//   - fault.Upstream: it answered with an error, or with nothing usable
//   - fault.UpstreamTimeout: it did not answer in time
//   - fault.NotConfigured: there is no key
//
// or context.Canceled where the caller hung up. Transient and RetryAfter tell
// whether asking again can help, after all attempts that were worth it.
type Model interface {
	Generate(ctx context.Context, request Request) (Answer, error)
}
