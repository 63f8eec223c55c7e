package geminiapi

import (
	"cmp"
	"strings"

	pb "cloud.google.com/go/ai/generativelanguage/apiv1beta/generativelanguagepb"
	"github.com/google/generative-ai-go/genai"

	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
)

// reply is what has come of an answer so far.
type reply struct {
	text   strings.Builder
	finish pb.Candidate_FinishReason
	usage  *genai.UsageMetadata
}

// add takes in one response. Usage is counted up from response to response,
// so the last one counts.
func (r *reply) add(response *genai.GenerateContentResponse) {
	r.usage = cmp.Or(response.UsageMetadata, r.usage)
	for _, candidate := range response.Candidates {
		r.finish = cmp.Or(pb.Candidate_FinishReason(candidate.FinishReason), r.finish)
		if candidate.Content == nil {
			continue
		}
		for _, part := range candidate.Content.Parts {
			if words, ok := part.(genai.Text); ok {
				r.text.WriteString(string(words))
			}
		}
	}
}

// answer is what the reply amounts to once its stream has ended. A stream may
// end well at any point; only the finish reason tells that the answer did.
func (r *reply) answer(model string) (gemini.Answer, error) {
	text := r.text.String()
	if reason := r.reason(strings.TrimSpace(text) != ""); reason != answered {
		return gemini.Answer{}, &failure{reason: reason, detail: "finish reason " + r.finish.String()}
	}
	answer := gemini.Answer{
		Text:         sensitive.NewText(text),
		Model:        model,
		FinishReason: r.finish.String(),
	}
	if r.usage != nil {
		answer.PromptTokens = int(r.usage.PromptTokenCount)
		answer.ResponseTokens = responseTokens(r.usage)
	}
	return answer, nil
}

func (r *reply) reason(hasWords bool) reason {
	switch r.finish {
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
	case r.finish == pb.Candidate_MAX_TOKENS:
		return exhausted
	default:
		return empty
	}
}

// responseTokens counts what was thought, too. The SDK does not know the
// member that says so, but the total includes it.
func responseTokens(u *genai.UsageMetadata) int {
	return int(max(u.CandidatesTokenCount, u.TotalTokenCount-u.PromptTokenCount))
}
