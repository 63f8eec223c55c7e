package simulator

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

const (
	streamPath = "/v1beta/models/gemini-test:streamGenerateContent"
	wholePath  = "/v1beta/models/gemini-test:generateContent"
	intEnums   = "?%24alt=json%3Benum-encoding%3Dint"
)

type geminiChunk struct {
	Candidates []struct {
		Content struct {
			Parts []struct{ Text string } `json:"parts"`
		} `json:"content"`
		FinishReason any `json:"finishReason"`
	} `json:"candidates"`
	UsageMetadata struct {
		PromptTokenCount, CandidatesTokenCount, TotalTokenCount int
	} `json:"usageMetadata"`
}

func promptAfterTwoTurns(question string) string {
	quoted, _ := json.Marshal(question)
	return `{"systemInstruction":{"parts":[{"text":"Be brief."}]},"contents":[` +
		`{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text":"Hello"}]},` +
		`{"role":"user","parts":[{"text":` + string(quoted) + `}]}]}`
}

func (r fixture) postGemini(t *testing.T, path, body string) (int, []byte) {
	t.Helper()
	return r.post(t, path, body, "X-Goog-Api-Key", testKey)
}

func textOf(parts []geminiChunk) string {
	var text strings.Builder
	for _, c := range parts {
		text.WriteString(c.Candidates[0].Content.Parts[0].Text)
	}
	return text.String()
}

func TestGeminiGenerate(t *testing.T) {
	t.Parallel()
	t.Run("stream_is_an_array_with_the_question", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		const question = "token-7f3a: what is **a** “matatu”?\nAnd 😀?"
		status, body := r.postGemini(t, streamPath+intEnums, promptAfterTwoTurns(question))
		if status != http.StatusOK {
			t.Fatalf("got status %d, want 200: %s", status, body)
		}
		got := decode[[]geminiChunk](t, body)
		if len(got) < 2 {
			t.Fatalf("%d chunks, want several", len(got))
		}
		if text := textOf(got); !strings.Contains(text, question) || !strings.Contains(text, "Simulated answer") || !strings.Contains(text, "2 earlier turns") {
			t.Errorf("completion is %q, want the question and \"2 earlier turns\" in it", text)
		}
		for i, c := range got[:len(got)-1] {
			if c.Candidates[0].FinishReason != nil {
				t.Errorf("chunk %d already has a finish reason", i)
			}
		}
		end := got[len(got)-1]
		if end.Candidates[0].FinishReason != float64(1) {
			t.Errorf("finish reason is %v, want the integer of STOP", end.Candidates[0].FinishReason)
		}
		if u := end.UsageMetadata; u.PromptTokenCount == 0 || u.CandidatesTokenCount == 0 || u.TotalTokenCount != u.PromptTokenCount+u.CandidatesTokenCount {
			t.Errorf("usage is %+v, want counts that add up", u)
		}
		call := r.Ledger().ModelCalls[0]
		if call.Prompt != question || call.EarlierTurns != 2 || call.Model != "gemini-test" || !call.Stream || call.Instructions != "Be brief." {
			t.Errorf("ledger has the model call %+v, want the prompt with its model, instructions and 2 earlier turns", call)
		}
	})
	t.Run("complete_response_has_enum_names", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		_, body := r.postGemini(t, wholePath, promptAfterTwoTurns("jambo"))
		completion := decode[geminiChunk](t, body)
		if completion.Candidates[0].FinishReason != "STOP" || !strings.Contains(textOf([]geminiChunk{completion}), "jambo") {
			t.Errorf("response is %s, want a completion with the question and finish reason STOP", body)
		}
	})
	t.Run("long_completion_exceeds_one_message", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		_, body := r.postGemini(t, streamPath, promptAfterTwoTurns("!long please"))
		if text := textOf(decode[[]geminiChunk](t, body)); len(text) <= maxTextBody || !strings.Contains(text, "\n\nParagraph 2.") {
			t.Errorf("completion has %d bytes, want more than %d in several paragraphs", len(text), maxTextBody)
		}
	})
	t.Run("completion_names_received_files", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		data := base64.StdEncoding.EncodeToString([]byte("12345"))
		_, body := r.postGemini(t, wholePath, `{"contents":[{"role":"user","parts":[{"text":"Look"},{"inlineData":{"mimeType":"image/jpeg","data":"`+data+`"}}]}]}`)
		text := textOf([]geminiChunk{decode[geminiChunk](t, body)})
		if want := "you wrote “Look” and sent a file of type image/jpeg with 5 bytes."; !strings.Contains(text, want) {
			t.Errorf("completion is %q, want %q in it", text, want)
		}
	})
	t.Run("rejects_invalid_requests", func(t *testing.T) {
		t.Parallel()
		good := []string{"X-Goog-Api-Key", testKey}
		tests := []struct {
			name    string
			path    string
			body    string
			headers []string
			status  int
			want    string
		}{
			{name: "no_key", path: streamPath, body: promptAfterTwoTurns("x"), status: 403, want: "PERMISSION_DENIED"},
			{name: "key_in_the_URL_only", path: streamPath + "?key=" + testKey, body: promptAfterTwoTurns("x"), status: 403, want: "PERMISSION_DENIED"},
			{name: "wrong_key", path: streamPath, body: promptAfterTwoTurns("x"), headers: []string{"X-Goog-Api-Key", "other"}, status: 400, want: "INVALID_ARGUMENT"},
			{name: "not_JSON", path: streamPath, body: `{`, headers: good, status: 400, want: "INVALID_ARGUMENT"},
			{name: "no_contents", path: streamPath, body: `{}`, headers: good, status: 400, want: "INVALID_ARGUMENT"},
			{name: "no_parts", path: streamPath, body: `{"contents":[{"role":"user"}]}`, headers: good, status: 400, want: "INVALID_ARGUMENT"},
			{name: "last_turn_is_of_the_model", path: streamPath, body: `{"contents":[{"role":"model","parts":[{"text":"x"}]}]}`, headers: good, status: 400, want: "INVALID_ARGUMENT"},
			{name: "two_candidates", path: streamPath, body: `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"candidateCount":2}}`, headers: good, status: 400, want: "INVALID_ARGUMENT"},
			{name: "another_method", path: "/v1beta/models/gemini-test:countTokens", body: `{}`, headers: good, status: 404, want: "NOT_FOUND"},
			{name: "not_streamed", path: wholePath, body: `{}`, headers: good, status: 400, want: "INVALID_ARGUMENT"},
		}
		type failure struct {
			Error struct {
				Code            int
				Message, Status string
			}
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				r := newFixture(t, &fakeService{})
				status, body := r.post(t, test.path, test.body, test.headers...)
				var got failure
				if strings.Contains(test.path, "stream") {
					got = decode[[]failure](t, body)[0]
				} else {
					got = decode[failure](t, body)
				}
				if status != test.status || got.Error.Code != test.status || got.Error.Status != test.want || got.Error.Message == "" {
					t.Errorf("got status %d %s, want %d %s", status, body, test.status, test.want)
				}
				if l := r.Ledger(); l.Counts.ModelErrors != 1 || l.Counts.ModelCalls != 0 {
					t.Errorf("counts are %+v, want one model error and no model call", l.Counts)
				}
			})
		}
	})
}
