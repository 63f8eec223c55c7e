package geminiapi

import (
	"encoding/json"
	"strings"
	"testing"

	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
)

func TestClient_Generate_request(t *testing.T) {
	t.Parallel()
	api := newFakeAPI(t, respondOK(goodStream))
	client := newTestClient(t, api.URL+"/", func(o *Options) { o.Model = "models/first" })
	request := gemini.Request{
		Instructions:    "be kind",
		MaxOutputTokens: testLimit,
		Contents: []gemini.Content{
			textContent(gemini.RoleUser, "one"),
			textContent(gemini.RoleModel, "two"),
			{Role: gemini.RoleUser, Parts: []gemini.Part{
				{Text: sensitive.NewText("what is \xff this?")},
				{MIMEType: "audio/ogg; codecs=opus", Data: []byte("sound")},
			}},
		},
	}

	if _, err := client.Generate(t.Context(), request); err != nil {
		t.Fatalf("Generate: %v", err)
	}

	got := api.requests()[0]
	if want := "/v1beta/models/first:streamGenerateContent"; got.path != want {
		t.Errorf("path = %q, want %q", got.path, want)
	}
	if got.key != testKey || strings.Contains(got.query, "key") {
		t.Errorf("key in the header = %q, query = %q; want %q and no key in the query", got.key, got.query, testKey)
	}
	const want = `{
		"model": "models/first",
		"systemInstruction": {"role": "user", "parts": [{"text": "be kind"}]},
		"contents": [
			{"role": "user", "parts": [{"text": "one"}]},
			{"role": "model", "parts": [{"text": "two"}]},
			{"role": "user", "parts": [
				{"text": "what is \ufffd this?"},
				{"inlineData": {"mimeType": "audio/ogg; codecs=opus", "data": "c291bmQ="}}
			]}
		],
		"generationConfig": {"maxOutputTokens": 100}
	}`
	if got, want := canonicalJSON(t, got.body), canonicalJSON(t, []byte(want)); got != want {
		t.Errorf("body = %s\nwant   %s", got, want)
	}
}

// canonicalJSON sorts the members of objects and removes spaces.
func canonicalJSON(t *testing.T, raw []byte) string {
	t.Helper()
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatalf("decode JSON: %v", err)
	}
	sorted, err := json.Marshal(value)
	if err != nil {
		t.Fatalf("encode JSON: %v", err)
	}
	return string(sorted)
}
