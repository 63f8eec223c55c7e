package geminiapi

import (
	"cmp"
	"math"
	"net/http"
	"strings"

	pb "cloud.google.com/go/ai/generativelanguage/apiv1beta/generativelanguagepb"

	"aisha/internal/client/upstream"
	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
	"aisha/internal/visible"
)

// streamedResponse collects the chunks of one response. It reads only the
// members that it needs, whatever the types of the others are.
type streamedResponse struct {
	text   strings.Builder
	finish pb.Candidate_FinishReason
	block  pb.GenerateContentResponse_PromptFeedback_BlockReason

	// finishIsEmpty is true if the last chunk has a finish reason that is null or
	// another empty value. Servers other than Google's send such members.
	finishIsEmpty bool

	promptTokens, candidateTokens, thoughtTokens int64
}

// readBody adds the chunks in the body of a response with status 200. It fails
// with a *Failure if the body is malformed or contains an error of the API.
func (r *streamedResponse) readBody(body []byte, private upstream.Private) error {
	chunks, err := parseChunks(body)
	if err != nil {
		return err
	}
	var hasChunk, hasOther bool
	for _, chunk := range chunks {
		hasChunk = hasChunk || isChunk(chunk)
		hasOther = hasOther || !isChunk(chunk) && !chunk.IsZero()
		if value := chunk.Member("error"); !value.IsZero() {
			e := newAPIError(value)
			if e.Code < http.StatusBadRequest {
				e.Code = http.StatusInternalServerError
			}
			return e.failure(private)
		}
		r.addChunk(chunk)
	}
	if hasOther && !hasChunk {
		return &Failure{outcome: malformed, detail: "the body is JSON of another API"}
	}
	return nil
}

// isChunk reports whether value has at least one member that only a chunk has.
func isChunk(value upstream.Value) bool {
	candidates := value.Member("candidates")
	return candidates.IsArray() || candidates.IsObject() ||
		value.Member("promptFeedback").IsObject() || value.Member("usageMetadata").IsObject()
}

// addChunk adds one chunk. Token counts are running totals, so the last ones
// replace those before.
func (r *streamedResponse) addChunk(chunk upstream.Value) {
	r.block = cmp.Or(parseBlockReason(chunk.Member("promptFeedback").Member("blockReason")), r.block)
	usage := chunk.Member("usageMetadata").Member
	r.promptTokens = intOr(usage("promptTokenCount"), r.promptTokens)
	r.candidateTokens = intOr(usage("candidatesTokenCount"), r.candidateTokens)
	r.thoughtTokens = intOr(usage("thoughtsTokenCount"), r.thoughtTokens)
	if candidates := chunk.Member("candidates").Items(); len(candidates) > 0 {
		r.addCandidate(firstCandidate(candidates))
	}
}

// firstCandidate returns the candidate with index 0, which is the default. The
// others are alternative completions, which we do not request. If no candidate
// has index 0, the index is wrong.
func firstCandidate(candidates []upstream.Value) upstream.Value {
	for _, candidate := range candidates {
		if index, _ := candidate.Member("index").Int(); candidate.IsObject() && index == 0 {
			return candidate
		}
	}
	return candidates[0]
}

// addCandidate adds the text and the finish reason of a candidate. Parts of
// other types have no text.
func (r *streamedResponse) addCandidate(candidate upstream.Value) {
	reason := candidate.Member("finishReason")
	r.finish = cmp.Or(parseFinishReason(reason), r.finish)
	_, isNumber := reason.Int()
	r.finishIsEmpty = candidate.Has("finishReason") && reason.IsZero() && !isNumber
	for _, part := range candidate.Member("content").Member("parts").Items() {
		if !part.Member("thought").Bool() {
			r.text.WriteString(part.Member("text").Text())
		}
	}
}

func intOr(value upstream.Value, otherwise int64) int64 {
	if n, ok := value.Int(); ok {
		return n
	}
	return otherwise
}

// completion returns the completion once the whole body has been read. It fails
// with a *Failure if the prompt or the text was blocked, or the text is missing
// or incomplete.
func (r *streamedResponse) completion(model string) (gemini.Completion, error) {
	text := strings.ReplaceAll(r.text.String(), "\x00", "\uFFFD") // PostgreSQL's text cannot hold a NUL
	completion := gemini.Completion{
		Text:           sensitive.NewText(text),
		Model:          model,
		FinishReason:   r.finish.String(),
		PromptTokens:   clampTokens(r.promptTokens),
		ResponseTokens: clampTokens(min(r.candidateTokens, math.MaxInt32) + min(r.thoughtTokens, math.MaxInt32)),
	}
	hasText := !visible.IsBlank(text)
	switch outcome := r.outcome(hasText); {
	case outcome == completed:
		return completion, nil
	case r.block != 0:
		return gemini.Completion{}, &Failure{outcome: blocked, detail: "the prompt is blocked: " + r.block.String()}
	case outcome == truncated && hasText && r.finishIsEmpty:
		return gemini.Completion{}, &Failure{outcome: truncated, detail: "the finish reason is empty", perhapsComplete: &completion}
	default:
		return gemini.Completion{}, &Failure{outcome: outcome, detail: "finish reason " + r.finish.String()}
	}
}

// clampTokens limits a token count to the range of PostgreSQL's integer, so that
// a wrong count does not prevent the completion from being stored.
func clampTokens(n int64) int { return int(min(max(n, 0), math.MaxInt32)) }

// outcome classifies the response by its finish reason. A stream can end
// cleanly in the middle of a text, so a missing finish reason means truncated.
func (r *streamedResponse) outcome(hasText bool) outcome {
	switch r.finish {
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
	case r.finish == pb.Candidate_MAX_TOKENS:
		return outOfTokens
	default:
		return empty
	}
}
