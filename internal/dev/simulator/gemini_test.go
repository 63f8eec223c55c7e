package simulator

import (
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

func conversation3(question string) string {
	quoted, _ := json.Marshal(question)
	return `{"systemInstruction":{"parts":[{"text":"Be brief."}]},"contents":[` +
		`{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text":"Hello"}]},` +
		`{"role":"user","parts":[{"text":` + string(quoted) + `}]}]}`
}

func (r running) gemini(t *testing.T, path, body string) (int, []byte) {
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

func TestGeminiStreamsAnArrayThatRepeatsTheQuestion(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	const question = "token-7f3a: what is **a** “matatu”?\nAnd 😀?"
	status, body := r.gemini(t, streamPath+intEnums, conversation3(question))
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}
	got := decode[[]geminiChunk](t, body)
	if len(got) < 2 {
		t.Fatalf("%d chunks, want several", len(got))
	}
	if text := textOf(got); !strings.Contains(text, question) || !strings.Contains(text, "Simulated answer") || !strings.Contains(text, "2 earlier turns") {
		t.Errorf("answer is %q", text)
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
		t.Errorf("usage is %+v", u)
	}
	call := r.Ledger().ModelCalls[0]
	if call.Prompt != question || call.EarlierTurns != 2 || call.Model != "gemini-test" || !call.Stream || call.Instructions != "Be brief." {
		t.Errorf("ledger has %+v", call)
	}
}

func TestGeminiAnswersWholeWithEnumsAsText(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	_, body := r.gemini(t, wholePath, conversation3("jambo"))
	answer := decode[geminiChunk](t, body)
	if answer.Candidates[0].FinishReason != "STOP" || !strings.Contains(textOf([]geminiChunk{answer}), "jambo") {
		t.Errorf("answer is %s", body)
	}
}

func TestGeminiLongIsLongerThanOneMessage(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	_, body := r.gemini(t, streamPath, conversation3("!long please"))
	if text := textOf(decode[[]geminiChunk](t, body)); len(text) <= maxTextBody || !strings.Contains(text, "\n\nParagraph 2.") {
		t.Errorf("answer has %d bytes", len(text))
	}
}

func TestGeminiRefusesAsGoogleDoes(t *testing.T) {
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
		{"no key", streamPath, conversation3("x"), nil, 403, "PERMISSION_DENIED"},
		{"key in the URL only", streamPath + "?key=" + testKey, conversation3("x"), nil, 403, "PERMISSION_DENIED"},
		{"wrong key", streamPath, conversation3("x"), []string{"X-Goog-Api-Key", "other"}, 400, "INVALID_ARGUMENT"},
		{"not JSON", streamPath, `{`, good, 400, "INVALID_ARGUMENT"},
		{"no contents", streamPath, `{}`, good, 400, "INVALID_ARGUMENT"},
		{"no parts", streamPath, `{"contents":[{"role":"user"}]}`, good, 400, "INVALID_ARGUMENT"},
		{"the model spoke last", streamPath, `{"contents":[{"role":"model","parts":[{"text":"x"}]}]}`, good, 400, "INVALID_ARGUMENT"},
		{"two candidates", streamPath, `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"candidateCount":2}}`, good, 400, "INVALID_ARGUMENT"},
		{"another method", "/v1beta/models/gemini-test:countTokens", `{}`, good, 404, "NOT_FOUND"},
		{"not streamed", wholePath, `{}`, good, 400, "INVALID_ARGUMENT"},
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
			r := run(t, &fakeService{})
			status, body := r.post(t, test.path, test.body, test.headers...)
			var got failure
			if strings.Contains(test.path, "stream") {
				got = decode[[]failure](t, body)[0]
			} else {
				got = decode[failure](t, body)
			}
			if status != test.status || got.Error.Code != test.status || got.Error.Status != test.want || got.Error.Message == "" {
				t.Errorf("status %d: %s", status, body)
			}
			if l := r.Ledger(); l.Counts.ModelRefused != 1 || l.Counts.ModelCalls != 0 {
				t.Errorf("counts are %+v", l.Counts)
			}
		})
	}
}

func TestChunksPutTogetherAreTheAnswer(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"", "short", strings.Repeat("x", 500), compose(geminiContent{Parts: []geminiPart{{Text: "ä 😀 !format !long"}}}, 3)} {
		pieces := chunks(answer)
		if got := strings.Join(pieces, ""); got != answer {
			t.Errorf("%d pieces put together are %q, want %q", len(pieces), got, answer)
		}
	}
}
