package geminiapi

import (
	"strings"
	"testing"

	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
)

func TestClient_Generate_completion(t *testing.T) {
	t.Parallel()
	thinking := `[{"candidates":[{"content":{"parts":[{"text":"let me see","thought":true}]}}]},` +
		`{"candidates":[{"content":{"parts":[{"text":"Habari"}]}}],"usageMetadata":{"promptTokenCount":4,"totalTokenCount":4}},` +
		`{"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"c2ln"}]},"finishReason":1}],` +
		`"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":2,"thoughtsTokenCount":20,"totalTokenCount":26}}]`
	tests := []struct {
		name, body, text, finish string
		prompt, response         int
	}{
		{"two_chunks", goodStream, testCompletion, "STOP", 7, 5},
		{"thoughts_are_dropped", thinking, "Habari", "STOP", 4, 22},
		{"finish_reason_by_name", stream(`"STOP"`, `{"text":"yes"}`), "yes", "STOP", 0, 0},
		{"max_tokens", stream("2", `{"text":"and then"}`), "and then", "MAX_TOKENS", 0, 0},
		{"max_tokens_by_name", stream(`"MAX_TOKENS"`, `{"text":"and then"}`), "and then", "MAX_TOKENS", 0, 0},
		{"unknown_finish_reason", stream(`"WHIM"`, `{"text":"yes"}`), "yes", "OTHER", 0, 0},
		{"parts_that_the_sdk_cannot_parse", stream("1", `{"thoughtSignature":"c2ln"},{},{"fileData":{"fileUri":"x"}},{"text":"yes"}`), "yes", "STOP", 0, 0},
		{"single_chunk_without_array", strings.Trim(stream("1", `{"text":"yes"}`), "[]"), "yes", "STOP", 0, 0},
		{"nul_character", stream("1", `{"text":"yes\u0000"}`), "yes\ufffd", "STOP", 0, 0},
		{"token_counts_over_int32", strings.TrimSuffix(stream("1", `{"text":"yes"}`), "}]") +
			`,"usageMetadata":{"promptTokenCount":3000000000,"candidatesTokenCount":2000000000,"thoughtsTokenCount":2000000000}}]`,
			"yes", "STOP", 2147483647, 2147483647},
		{"half_a_surrogate_pair", stream("1", `{"text":"yes \ud83d"}`), "yes \ufffd", "STOP", 0, 0},
		{"other_candidates_are_ignored", `[{"candidates":[{"index":1,"content":{"parts":[{"text":"no"}]},"finishReason":3},{"content":{"parts":[{"text":"yes"}]},"finishReason":1}]}]`, "yes", "STOP", 0, 0},
		{"unknown_members_are_ignored", `[{"responseId":"x","candidates":[{"content":{"parts":[{"text":"yes","partMetadata":{}}]},"finishReason":1,"safetyRatings":"new","groundingMetadata":{}}]}]`, "yes", "STOP", 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := newTestClient(t, newFakeAPI(t, respondOK(test.body)).URL, nil)
			got, err := client.Generate(t.Context(), question())
			if err != nil {
				t.Fatalf("Generate: %v", err)
			}
			want := gemini.Completion{
				Text: sensitive.NewText(test.text), Model: "first", FinishReason: test.finish,
				PromptTokens: test.prompt, ResponseTokens: test.response,
			}
			if got != want {
				t.Errorf("completion = %+v with text %q\nwant         %+v with text %q", got, got.Text.Reveal(), want, test.text)
			}
			checkNothingLeaked(t, client.log, nil)
		})
	}
}
