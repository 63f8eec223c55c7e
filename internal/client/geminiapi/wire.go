package geminiapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"

	pb "cloud.google.com/go/ai/generativelanguage/apiv1beta/generativelanguagepb"
)

// chunk is one item of a streamed response, with the members we use.
type chunk struct {
	Error          *apiError   `json:"error"`
	Candidates     []candidate `json:"candidates"`
	PromptFeedback struct {
		BlockReason blockReason `json:"blockReason"`
	} `json:"promptFeedback"`
	Usage *usage `json:"usageMetadata"`
}

type candidate struct {
	Index   int32 `json:"index"`
	Content struct {
		Parts []part `json:"parts"`
	} `json:"content"`
	FinishReason finishReason `json:"finishReason"`
}

// part is a piece of the completion's text, or of the model's thoughts if
// Thought is set. Parts of other types have an empty Text.
type part struct {
	Text    string `json:"text"`
	Thought bool   `json:"thought"`
}

type usage struct {
	Prompt     int64 `json:"promptTokenCount"`
	Candidates int64 `json:"candidatesTokenCount"`
	Thoughts   int64 `json:"thoughtsTokenCount"`
}

// finishReason and blockReason decode from a number or a name. The SDK requests
// numbers, but not every server sends them. An unknown name decodes as OTHER and
// not as 0, because a finish reason of 0 means that the response is truncated.
type (
	finishReason pb.Candidate_FinishReason
	blockReason  pb.GenerateContentResponse_PromptFeedback_BlockReason
)

// UnmarshalJSON implements json.Unmarshaler.
func (r *finishReason) UnmarshalJSON(raw []byte) error {
	n, err := parseEnum(raw, pb.Candidate_FinishReason_value, int32(pb.Candidate_OTHER))
	*r = finishReason(n)
	return err
}

// String returns the API's name.
func (r finishReason) String() string { return pb.Candidate_FinishReason(r).String() }

// UnmarshalJSON implements json.Unmarshaler.
func (r *blockReason) UnmarshalJSON(raw []byte) error {
	n, err := parseEnum(raw, pb.GenerateContentResponse_PromptFeedback_BlockReason_value,
		int32(pb.GenerateContentResponse_PromptFeedback_OTHER))
	*r = blockReason(n)
	return err
}

// String returns the API's name.
func (r blockReason) String() string {
	return pb.GenerateContentResponse_PromptFeedback_BlockReason(r).String()
}

// parseEnum parses a JSON number, or a JSON string that is a key of values. It
// returns other for an unknown string.
func parseEnum(raw []byte, values map[string]int32, other int32) (int32, error) {
	if !bytes.HasPrefix(raw, []byte(`"`)) {
		n, err := strconv.ParseInt(string(raw), 10, 32)
		return int32(n), err
	}
	var name string
	if err := json.Unmarshal(raw, &name); err != nil {
		return 0, err
	}
	if n, ok := values[name]; ok {
		return n, nil
	}
	return other, nil
}

// parseChunks parses a body: an array of chunks, or a single chunk. It fails
// with a *failure, which does not wrap the JSON error because that may quote the
// completion.
func parseChunks(body []byte) ([]chunk, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, &failure{outcome: truncated, detail: "the body is empty"}
	}
	var err error
	var chunks []chunk
	if body[0] == '{' {
		chunks = make([]chunk, 1)
		err = decodeOne(body, &chunks[0])
	} else {
		err = decodeOne(body, &chunks)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, &failure{outcome: truncated, detail: "the body ends too early"}
	}
	if err != nil || chunks == nil { // null decodes as a nil slice without an error
		return nil, &failure{outcome: malformed, detail: "the body is not JSON of the API"}
	}
	return chunks, nil
}

// errorFromBody returns the API's error in a body, or a zero apiError if there
// is none, for example in the error page of a proxy.
func errorFromBody(body []byte) *apiError {
	chunks, err := parseChunks(body)
	if err != nil {
		return &apiError{}
	}
	for _, chunk := range chunks {
		if chunk.Error != nil {
			return chunk.Error
		}
	}
	return &apiError{}
}

// decodeOne decodes the only JSON value in body. It uses a json.Decoder because
// that returns io.ErrUnexpectedEOF for a body that ends too early, which
// json.Unmarshal does not.
func decodeOne(body []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("more than one value")
	}
	return nil
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
