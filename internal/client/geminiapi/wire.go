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

// chunk is one item of an answer's stream, reduced to what this package uses.
type chunk struct {
	Error          *statusError `json:"error"`
	Candidates     []candidate  `json:"candidates"`
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

// part is a word of the answer or of the thoughts that led to it. Parts of
// other kinds are read as one without text.
type part struct {
	Text    string `json:"text"`
	Thought bool   `json:"thought"`
}

type usage struct {
	Prompt     int64 `json:"promptTokenCount"`
	Candidates int64 `json:"candidatesTokenCount"`
	Thoughts   int64 `json:"thoughtsTokenCount"`
}

// finishReason and blockReason are numbers: the SDK asks for numbers, but not
// every server heeds that. A name that is newer than this program is "other",
// because "none" as a finish reason would mean that the answer is truncated.
type (
	finishReason pb.Candidate_FinishReason
	blockReason  pb.GenerateContentResponse_PromptFeedback_BlockReason
)

func (r *finishReason) UnmarshalJSON(raw []byte) error {
	n, err := enum(raw, pb.Candidate_FinishReason_value, int32(pb.Candidate_OTHER))
	*r = finishReason(n)
	return err
}

func (r finishReason) String() string { return pb.Candidate_FinishReason(r).String() }

func (r *blockReason) UnmarshalJSON(raw []byte) error {
	n, err := enum(raw, pb.GenerateContentResponse_PromptFeedback_BlockReason_value,
		int32(pb.GenerateContentResponse_PromptFeedback_OTHER))
	*r = blockReason(n)
	return err
}

func (r blockReason) String() string {
	return pb.GenerateContentResponse_PromptFeedback_BlockReason(r).String()
}

// enum reads a number, or a name that it looks up; unknown names are other.
func enum(raw []byte, numbers map[string]int32, other int32) (int32, error) {
	if !bytes.HasPrefix(raw, []byte(`"`)) {
		n, err := strconv.ParseInt(string(raw), 10, 32)
		return int32(n), err
	}
	var name string
	if err := json.Unmarshal(raw, &name); err != nil {
		return 0, err
	}
	if n, ok := numbers[name]; ok {
		return n, nil
	}
	return other, nil
}

// parse reads a stream, which is an array of chunks. A lone chunk is as good.
func parse(body []byte) ([]chunk, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, &failure{reason: truncated, detail: "the body is empty"}
	}
	var err error
	var chunks []chunk
	if body[0] == '{' {
		chunks = make([]chunk, 1)
		err = decode(body, &chunks[0])
	} else {
		err = decode(body, &chunks)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, &failure{reason: truncated, detail: "the body ends too early"}
	}
	if err != nil || chunks == nil { // null decodes into nothing, without an error
		// The text of a JSON error quotes the answer.
		return nil, &failure{reason: unreadable, detail: "the body is not JSON of the API"}
	}
	return chunks, nil
}

// errorIn is the error that a body tells of; an empty one where it does not,
// like a proxy's web page.
func errorIn(body []byte) *statusError {
	chunks, err := parse(body)
	if err != nil {
		return &statusError{}
	}
	for _, chunk := range chunks {
		if chunk.Error != nil {
			return chunk.Error
		}
	}
	return &statusError{}
}

// decode reads the one value in body. Unlike json.Unmarshal, a Decoder tells
// a body that ends too early from one that is wrong.
func decode(body []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("more than one value")
	}
	return nil
}

// candidateCount is how many answers are wanted, which the SDK always puts in,
// as the first of the settings, and newer models refuse. What a person wrote
// cannot look like it: in JSON its quotes are escaped.
var candidateCount = regexp.MustCompile(`"candidateCount":\s*\d+\s*,?`)

// withoutCandidateCount searches the bytes, because a conversation may be long
// and to decode it costs more than all else that is done here.
func withoutCandidateCount(body []byte) []byte {
	return candidateCount.ReplaceAll(body, nil)
}
