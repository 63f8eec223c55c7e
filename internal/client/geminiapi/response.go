package geminiapi

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"strings"

	pb "cloud.google.com/go/ai/generativelanguage/apiv1beta/generativelanguagepb"

	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
)

// streamedResponse collects the chunks of one response. The transport fills it
// in and generateOnce reads it. It travels in the request's context, because
// the SDK passes nothing else of a call on to its transport.
type streamedResponse struct {
	text   strings.Builder
	finish finishReason
	block  blockReason
	usage  usage
}

type responseKey struct{}

func withResponse(ctx context.Context, r *streamedResponse) context.Context {
	return context.WithValue(ctx, responseKey{}, r)
}

func responseFrom(ctx context.Context) *streamedResponse {
	r, _ := ctx.Value(responseKey{}).(*streamedResponse)
	return r
}

// readBody adds the chunks in the body of a response with status 200. It fails
// with a *failure if the body is malformed or contains an error of the API.
func (r *streamedResponse) readBody(body []byte) error {
	chunks, err := parseChunks(body)
	if err != nil {
		return err
	}
	for _, c := range chunks {
		if e := c.Error; e != nil {
			e.Code = cmp.Or(e.Code, http.StatusInternalServerError)
			return e.failure()
		}
		r.addChunk(c)
	}
	return nil
}

// addChunk adds one chunk. Token counts are running totals, so the last ones
// replace those before.
func (r *streamedResponse) addChunk(c chunk) {
	r.block = cmp.Or(c.PromptFeedback.BlockReason, r.block)
	if c.Usage != nil {
		r.usage = *c.Usage
	}
	for _, candidate := range c.Candidates {
		if candidate.Index != 0 {
			continue // an alternative completion, which we did not request
		}
		r.finish = cmp.Or(candidate.FinishReason, r.finish)
		for _, part := range candidate.Content.Parts {
			if !part.Thought {
				r.text.WriteString(part.Text)
			}
		}
	}
}

// completion returns the completion once the whole body has been read. It fails
// with a *failure if the prompt or the text was blocked, or the text is missing
// or incomplete.
func (r *streamedResponse) completion(model string) (gemini.Completion, error) {
	if r.block != 0 {
		return gemini.Completion{}, &failure{outcome: blocked, detail: "the prompt is blocked: " + r.block.String()}
	}
	text := strings.ReplaceAll(r.text.String(), "\x00", "\uFFFD") // PostgreSQL's text cannot hold a NUL
	if outcome := r.outcome(strings.TrimSpace(text) != ""); outcome != completed {
		return gemini.Completion{}, &failure{outcome: outcome, detail: "finish reason " + r.finish.String()}
	}
	return gemini.Completion{
		Text:           sensitive.NewText(text),
		Model:          model,
		FinishReason:   r.finish.String(),
		PromptTokens:   clampTokens(r.usage.Prompt),
		ResponseTokens: clampTokens(r.usage.Candidates + r.usage.Thoughts),
	}, nil
}

// clampTokens limits a token count to the range of PostgreSQL's integer, so that
// a wrong count does not prevent the completion from being stored.
func clampTokens(n int64) int { return int(min(max(n, 0), math.MaxInt32)) }

// outcome classifies the response by its finish reason. A stream can end
// cleanly in the middle of a text, so a missing finish reason means truncated.
func (r *streamedResponse) outcome(hasText bool) outcome {
	switch pb.Candidate_FinishReason(r.finish) {
	case pb.Candidate_FINISH_REASON_UNSPECIFIED:
		return truncated
	case pb.Candidate_SAFETY, pb.Candidate_RECITATION, pb.Candidate_LANGUAGE, pb.Candidate_BLOCKLIST,
		pb.Candidate_PROHIBITED_CONTENT, pb.Candidate_SPII, pb.Candidate_IMAGE_SAFETY:
		return blocked
	case pb.Candidate_MALFORMED_FUNCTION_CALL:
		return empty // we offer no functions, and the text only introduces the call
	}
	switch {
	case hasText:
		return completed
	case pb.Candidate_FinishReason(r.finish) == pb.Candidate_MAX_TOKENS:
		return outOfTokens
	default:
		return empty
	}
}
