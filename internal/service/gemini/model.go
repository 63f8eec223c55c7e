package gemini

import (
	"context"

	"aisha/internal/sensitive"
)

// Role is a side of a conversation.
type Role uint8

// The two sides of a conversation.
const (
	RoleUser Role = iota
	RoleModel
)

// Part is one piece of a Content: either text, or the bytes of a file with
// their MIME type.
type Part struct {
	Text     sensitive.Text
	MIMEType string
	Data     []byte
}

// Content is one contribution of one side to a conversation. The Gemini API
// uses the same name.
type Content struct {
	Role  Role
	Parts []Part
}

// Request is the input of one completion.
type Request struct {
	Instructions string    // the system instruction; may be empty
	Contents     []Content // oldest first, roles alternating, the last with RoleUser

	// MaxOutputTokens limits the completion, thoughts of the model included.
	// Ask and Converse set it.
	MaxOutputTokens int32
}

// Completion is a text that the model produced.
type Completion struct {
	Text           sensitive.Text
	Model          string // the model that produced Text, which may be the fallback
	FinishReason   string // the API's name for it, for example STOP or MAX_TOKENS
	PromptTokens   int
	ResponseTokens int // includes the tokens spent on thinking
}

// Model produces completions. Its errors are faults of these kinds:
//
//   - fault.Blocked: the model refused the prompt, or its own text was blocked
//   - fault.Upstream: the API returned an error or nothing usable
//   - fault.UpstreamTimeout: the API could not be reached or was too slow
//   - fault.Internal: the request is not valid
//
// or context.Canceled if the caller canceled the request. A Model makes its own
// retries. The Transient and RetryAfter members of a fault say whether a later
// request can succeed.
type Model interface {
	Generate(ctx context.Context, request Request) (Completion, error)
}
