package geminiapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"

	pb "cloud.google.com/go/ai/generativelanguage/apiv1beta/generativelanguagepb"
)

// chunk is one item of an answer's stream, reduced to what this package uses.
// The SDK is shown nothing else: it fails on parts that it does not know, and
// cannot tell a thought from a word of the answer.
type chunk struct {
	Error          *statusError `json:"error,omitempty"`
	Candidates     []candidate  `json:"candidates,omitempty"`
	PromptFeedback *feedback    `json:"promptFeedback,omitempty"`
	Usage          *usage       `json:"usageMetadata,omitempty"`
}

type candidate struct {
	Index        int32        `json:"index,omitempty"`
	Content      content      `json:"content"`
	FinishReason finishReason `json:"finishReason,omitempty"`
}

type content struct {
	Parts []part `json:"parts,omitempty"`
}

type part struct {
	Text    *string `json:"text,omitempty"`
	Thought bool    `json:"thought,omitempty"`
}

type feedback struct {
	BlockReason blockReason `json:"blockReason,omitempty"`
}

type usage struct {
	Prompt     int32 `json:"promptTokenCount,omitempty"`
	Candidates int32 `json:"candidatesTokenCount,omitempty"`
	Total      int32 `json:"totalTokenCount,omitempty"`
}

// finishReason and blockReason are numbers to the SDK. We ask for numbers, but
// not every server heeds that, and the SDK would read a name that is newer
// than itself as "none", which for a finish reason means a truncated answer.
type (
	finishReason int32
	blockReason  int32
)

func (r *finishReason) UnmarshalJSON(raw []byte) error {
	n, err := enum(raw, pb.Candidate_FinishReason_value, int32(pb.Candidate_OTHER))
	*r = finishReason(n)
	return err
}

func (r *blockReason) UnmarshalJSON(raw []byte) error {
	n, err := enum(raw, pb.GenerateContentResponse_PromptFeedback_BlockReason_value,
		int32(pb.GenerateContentResponse_PromptFeedback_OTHER))
	*r = blockReason(n)
	return err
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

// cure turns the body of an answer into one that the SDK reads rightly, or
// into the failure that it is.
func cure(body []byte) ([]byte, error) {
	chunks, err := parse(body)
	if err != nil {
		return nil, err
	}
	for i := range chunks {
		if e := chunks[i].Error; e != nil {
			e.Code = cmp.Or(e.Code, http.StatusInternalServerError)
			return nil, e.failure()
		}
		chunks[i].keepFirstCandidate()
	}
	return json.Marshal(chunks)
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

func (c *chunk) keepFirstCandidate() {
	kept := c.Candidates[:0]
	for _, candidate := range c.Candidates {
		if candidate.Index == 0 {
			candidate.keepWords()
			kept = append(kept, candidate)
		}
	}
	c.Candidates = kept
}

func (c *candidate) keepWords() {
	kept := c.Content.Parts[:0]
	for _, part := range c.Content.Parts {
		if part.Text != nil && !part.Thought {
			kept = append(kept, part)
		}
	}
	c.Content.Parts = kept
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
