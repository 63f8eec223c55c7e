package geminiapi

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"aisha/internal/client/upstream"
	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
	"aisha/internal/visible"
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

// oddValues are JSON values in place of members of a response.
var oddValues = []string{
	`null`, `true`, `false`, `0`, `1`, `-1`, `99`, `1.0`, `2.5`, `1e400`, `123456789012345678901234567890`,
	`""`, `"x"`, `"1"`, `"STOP"`, `"stop"`, `"true"`, `"\u0000"`, `[]`, `[null]`, `[[]]`, `["x"]`, `{}`, `{"x":null}`, `{"category":1}`,
}

// memberPath leads from a response to a member of it. Its items are names of
// members and indexes of arrays.
type memberPath []any

// TestStreamedResponse_odd_members replaces each member of a good response,
// unless it contains the text, with each odd value.
func TestStreamedResponse_odd_members(t *testing.T) {
	t.Parallel()
	const good = `[{"candidates":[{"content":{"parts":[{"text":"5,199 ","thoughtSignature":"c2ln"}],"role":"model"},"finishReason":null,"index":0,
		"safetyRatings":[{"category":7,"probability":1}],"citationMetadata":{"citationSources":[]},"tokenCount":2,"avgLogprobs":-0.1}],
		"promptFeedback":{"blockReason":0,"safetyRatings":[]},"usageMetadata":{"promptTokenCount":7,"totalTokenCount":7},"modelVersion":"m","responseId":"r"},
		{"candidates":[{"content":{"parts":[{"text":"metres"}],"role":"model"},"finishReason":1,"index":0,"finishMessage":"done"}],
		"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":5,"thoughtsTokenCount":1,"totalTokenCount":13}}]`
	paths := memberPaths(t, good)
	if len(paths) < 20 {
		t.Fatalf("paths = %v, want at least 20", paths)
	}
	for _, path := range paths {
		for _, value := range oddValues {
			if value == "0" && path[0] == 1 && path[len(path)-1] == "finishReason" {
				continue // the API's number for an unspecified reason: the response is truncated
			}
			t.Run(fmt.Sprint(path, "=", value), func(t *testing.T) {
				t.Parallel()
				checkCompletionText(t, replaceMember(t, good, path, value))
			})
		}
	}
}

// TestStreamedResponse_removed_members is the same for absent members, except
// for the finish reason: without one the response is truncated.
func TestStreamedResponse_removed_members(t *testing.T) {
	t.Parallel()
	for _, path := range memberPaths(t, goodStream) {
		if path[len(path)-1] == "finishReason" {
			continue
		}
		t.Run(fmt.Sprint(path), func(t *testing.T) {
			t.Parallel()
			checkCompletionText(t, replaceMember(t, goodStream, path, ""))
		})
	}
}

func checkCompletionText(t *testing.T, body string) {
	t.Helper()
	var r streamedResponse
	if err := r.readBody([]byte(body), upstream.Private{}); err != nil {
		t.Fatalf("readBody: error = %v, want none for %s", err, body)
	}
	got, err := r.completion("first")
	if f := failureOf(err); f != nil && f.perhapsComplete != nil {
		got, err = *f.perhapsComplete, nil // what Generate returns after further attempts
	}
	if err != nil || got.Text.Reveal() != testCompletion {
		t.Errorf("completion = %q, error %v; want %q for %s", got.Text.Reveal(), err, testCompletion, body)
	}
}

// memberPaths returns the paths of all members of a response that do not contain
// a text, and are not the error.
func memberPaths(t *testing.T, response string) []memberPath {
	t.Helper()
	var root any
	if err := json.Unmarshal([]byte(response), &root); err != nil {
		t.Fatalf("decode the response: %v", err)
	}
	var paths []memberPath
	var walk func(value any, path memberPath) (hasText bool)
	walk = func(value any, path memberPath) (hasText bool) {
		visit := func(key, item any) {
			child := append(slices.Clone(path), key)
			if key == "text" || walk(item, child) {
				hasText = true
			} else if _, isName := key.(string); isName {
				paths = append(paths, child)
			}
		}
		switch value := value.(type) {
		case map[string]any:
			for key, item := range value {
				visit(key, item)
			}
		case []any:
			for i, item := range value {
				visit(i, item)
			}
		}
		return hasText
	}
	walk(root, nil)
	return paths
}

// replaceMember returns the response with another value at path, or without the
// member if value is empty.
func replaceMember(t *testing.T, response string, path memberPath, value string) string {
	t.Helper()
	var root any
	if err := json.Unmarshal([]byte(response), &root); err != nil {
		t.Fatalf("decode the response: %v", err)
	}
	parent := root
	for _, key := range path[:len(path)-1] {
		switch key := key.(type) {
		case string:
			parent = parent.(map[string]any)[key]
		case int:
			parent = parent.([]any)[key]
		}
	}
	name := path[len(path)-1].(string)
	if value == "" {
		delete(parent.(map[string]any), name)
	} else {
		parent.(map[string]any)[name] = json.RawMessage(value)
	}
	changed, err := json.Marshal(root)
	if err != nil {
		t.Fatalf("encode the response: %v", err)
	}
	return string(changed)
}

func TestClient_Generate_field_report_7(t *testing.T) {
	t.Parallel()
	body := `[{"candidates":[{"content":{"role":"model","parts":[{"text":"half "}]},"finishReason":null,"index":0}]},` +
		`{"candidates":[{"content":{"role":"model","parts":[{"text":"whole"}]},"finishReason":"STOP","index":0}]}]`
	api := newFakeAPI(t, respondOK(body))
	got, err := newTestClient(t, api.URL, nil).Generate(t.Context(), question())
	if n := len(api.requests()); err != nil || got.Text.Reveal() != "half whole" || got.FinishReason != "STOP" || n != 1 {
		t.Errorf("completion = %q with %s after %d requests, error %v; want %q with STOP after 1", got.Text.Reveal(), got.FinishReason, n, err, "half whole")
	}
}

func TestClient_Generate_empty_finish_reason(t *testing.T) {
	t.Parallel()
	t.Run("used_if_later_attempts_fail", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, respondOK(stream("null", `{"text":"yes"}`)), respondError(503, "UNAVAILABLE", "overloaded"))
		got, err := newTestClient(t, api.URL, nil).Generate(t.Context(), question())
		if n := len(api.requests()); err != nil || got.Text.Reveal() != "yes" || n != maxAttempts {
			t.Errorf("completion = %q after %d requests, error %v; want %q after %d", got.Text.Reveal(), n, err, "yes", maxAttempts)
		}
	})
	t.Run("used_if_no_attempt_is_better", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, respondOK(stream("null", `{"text":"yes"}`)))
		got, err := newTestClient(t, api.URL, nil).Generate(t.Context(), question())
		if err != nil || got.Text.Reveal() != "yes" || got.FinishReason != "FINISH_REASON_UNSPECIFIED" {
			t.Errorf("completion = %q with %s, error %v; want %q with FINISH_REASON_UNSPECIFIED", got.Text.Reveal(), got.FinishReason, err, "yes")
		}
		if n := len(api.requests()); n != maxAttempts {
			t.Errorf("requests = %d, want %d", n, maxAttempts)
		}
	})
	t.Run("retried", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, respondOK(stream("null", `{"text":"5,1"}`)), respondOK(goodStream))
		got, err := newTestClient(t, api.URL, nil).Generate(t.Context(), question())
		if err != nil || got.Text.Reveal() != testCompletion {
			t.Errorf("completion = %q, error %v; want %q", got.Text.Reveal(), err, testCompletion)
		}
	})
}

func FuzzStreamedResponse(f *testing.F) {
	f.Add([]byte(goodStream))
	f.Add([]byte(`{"candidates":{"content":{"parts":{"text":7}},"finishReason":"stop"}}`))
	f.Add([]byte(`[{"error":{"code":"1e3","details":[null]}}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var r streamedResponse
		if err := r.readBody(body, upstream.Private{}); err != nil && failureOf(err).outcome == completed {
			t.Errorf("error = %v, want one with an outcome", err)
		}
		if got, err := r.completion("first"); err == nil && visible.IsBlank(got.Text.Reveal()) {
			t.Errorf("completion of %q shows nothing, want an error", body)
		}
	})
}
