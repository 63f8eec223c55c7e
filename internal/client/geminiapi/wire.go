package geminiapi

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	pb "cloud.google.com/go/ai/generativelanguage/apiv1beta/generativelanguagepb"

	"aisha/internal/client/upstream"
)

// parseChunks parses a body: an array of chunks, or a single chunk. It fails
// with a *Failure, which does not wrap the JSON error because that may quote the
// completion.
func parseChunks(body []byte) ([]upstream.Value, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, &Failure{outcome: truncated, detail: "the body is empty"}
	}
	value, err := upstream.ParseJSON(body)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, &Failure{outcome: truncated, detail: "the body ends too early"}
	}
	if err != nil || !value.IsArray() && !value.IsObject() {
		return nil, &Failure{outcome: malformed, detail: "the body is not JSON of the API"}
	}
	return value.Items(), nil
}

// parseEnum reads an enum as a number or a name. The SDK requests numbers, but
// not every server sends them. An empty value is 0, which is unspecified in all
// of the API's enums. Any other value that is not one of values is other, so
// that it does not count as absent.
func parseEnum(value upstream.Value, values map[string]int32, other int32) int32 {
	if n, ok := values[strings.ToUpper(value.Text())]; ok {
		return n
	}
	if value.IsZero() {
		return 0
	}
	n, ok := value.Int()
	if !ok {
		return other
	}
	for _, known := range values {
		if int64(known) == n {
			return known
		}
	}
	return other
}

func parseFinishReason(value upstream.Value) pb.Candidate_FinishReason {
	return pb.Candidate_FinishReason(parseEnum(value, pb.Candidate_FinishReason_value, int32(pb.Candidate_OTHER)))
}

func parseBlockReason(value upstream.Value) pb.GenerateContentResponse_PromptFeedback_BlockReason {
	return pb.GenerateContentResponse_PromptFeedback_BlockReason(parseEnum(value,
		pb.GenerateContentResponse_PromptFeedback_BlockReason_value, int32(pb.GenerateContentResponse_PromptFeedback_OTHER)))
}

// candidateCountPattern matches the member that the SDK always writes first
// into generationConfig, and that newer models reject. It cannot match within a
// prompt, because JSON escapes the quotes of a prompt.
var candidateCountPattern = regexp.MustCompile(`"candidateCount":\s*\d+\s*,?`)

// removeCandidateCount removes the member without decoding the body, which
// would be the most expensive step of a request with a long conversation.
func removeCandidateCount(body []byte) []byte {
	return candidateCountPattern.ReplaceAll(body, nil)
}
