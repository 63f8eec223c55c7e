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

// reply is what has come of an answer so far. It travels in the context of the
// exchange, because that is all of a call that the SDK hands through to its
// transport.
type reply struct {
	text   strings.Builder
	finish finishReason
	block  blockReason
	usage  usage
}

type replyKey struct{}

func withReply(ctx context.Context, r *reply) context.Context {
	return context.WithValue(ctx, replyKey{}, r)
}

// replyOf is the reply that the exchange of ctx waits for.
func replyOf(ctx context.Context) *reply {
	r, _ := ctx.Value(replyKey{}).(*reply)
	return r
}

// read takes in the body of a 200, which may be an error after all.
func (r *reply) read(body []byte) error {
	chunks, err := parse(body)
	if err != nil {
		return err
	}
	for _, c := range chunks {
		if e := c.Error; e != nil {
			e.Code = cmp.Or(e.Code, http.StatusInternalServerError)
			return e.failure()
		}
		r.add(c)
	}
	return nil
}

// add takes in one chunk. Usage is counted up from chunk to chunk, so the last
// one counts.
func (r *reply) add(c chunk) {
	r.block = cmp.Or(c.PromptFeedback.BlockReason, r.block)
	if c.Usage != nil {
		r.usage = *c.Usage
	}
	for _, candidate := range c.Candidates {
		if candidate.Index != 0 {
			continue // another answer, which nobody asked for
		}
		r.finish = cmp.Or(candidate.FinishReason, r.finish)
		for _, part := range candidate.Content.Parts {
			if !part.Thought {
				r.text.WriteString(part.Text)
			}
		}
	}
}

// answer is what the reply amounts to once its stream has ended. A stream may
// end well at any point; only the finish reason tells that the answer did.
func (r *reply) answer(model string) (gemini.Answer, error) {
	if r.block != 0 {
		return gemini.Answer{}, &failure{reason: refused, detail: "the prompt is blocked: " + r.block.String()}
	}
	text := strings.ReplaceAll(r.text.String(), "\x00", "\uFFFD") // nobody can store a NUL
	if reason := r.reason(strings.TrimSpace(text) != ""); reason != answered {
		return gemini.Answer{}, &failure{reason: reason, detail: "finish reason " + r.finish.String()}
	}
	return gemini.Answer{
		Text:           sensitive.NewText(text),
		Model:          model,
		FinishReason:   r.finish.String(),
		PromptTokens:   tokens(r.usage.Prompt),
		ResponseTokens: tokens(r.usage.Candidates + r.usage.Thoughts),
	}, nil
}

// tokens is a count that can be stored: a wrong one must not cost the answer.
func tokens(n int64) int { return int(min(max(n, 0), math.MaxInt32)) }

func (r *reply) reason(hasWords bool) reason {
	switch pb.Candidate_FinishReason(r.finish) {
	case pb.Candidate_FINISH_REASON_UNSPECIFIED:
		return truncated
	case pb.Candidate_SAFETY, pb.Candidate_RECITATION, pb.Candidate_LANGUAGE, pb.Candidate_BLOCKLIST,
		pb.Candidate_PROHIBITED_CONTENT, pb.Candidate_SPII, pb.Candidate_IMAGE_SAFETY:
		return refused
	case pb.Candidate_MALFORMED_FUNCTION_CALL:
		return empty // it wanted a tool, of which there are none, and its words lead up to that
	}
	switch {
	case hasWords:
		return answered
	case pb.Candidate_FinishReason(r.finish) == pb.Candidate_MAX_TOKENS:
		return exhausted
	default:
		return empty
	}
}
