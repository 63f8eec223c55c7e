package geminiapi

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
)

func TestTheRequestIsWhatTheAPIExpects(t *testing.T) {
	t.Parallel()
	api := newFakeAPI(t, reply200(good))
	s := newSubject(t, api.URL+"/", func(o *Options) { o.Model = "models/first" })
	request := gemini.Request{
		Instructions: "be kind",
		Turns: []gemini.Turn{
			said(gemini.User, "one"),
			said(gemini.Assistant, "two"),
			{Role: gemini.User, Parts: []gemini.Part{
				{Text: sensitive.NewText("what is \xff this?")},
				{MIMEType: "audio/ogg; codecs=opus", Data: []byte("sound")},
			}},
		},
	}

	if _, err := s.Generate(t.Context(), request); err != nil {
		t.Fatal(err)
	}

	got := api.requests()[0]
	if got.path != "/v1beta/models/first:streamGenerateContent" {
		t.Errorf("path %q", got.path)
	}
	if got.key != testKey || strings.Contains(got.query, "key") {
		t.Errorf("key %q, query %q", got.key, got.query)
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
		"generationConfig": {}
	}`
	if canonical(t, got.body) != canonical(t, []byte(want)) {
		t.Errorf("body %s", got.body)
	}
}

// canonical is JSON with its members in order.
func canonical(t *testing.T, raw []byte) string {
	t.Helper()
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatal(err)
	}
	sorted, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(sorted)
}

func TestOnlyTheCandidateCountGoes(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		`{"generationConfig":{"candidateCount":1}}`:                                         `{"generationConfig":{}}`,
		`{"generationConfig":{"candidateCount": 1, "maxOutputTokens":9}}`:                   `{"generationConfig":{ "maxOutputTokens":9}}`,
		`{"text":"\"candidateCount\":1, \\\"candidateCount\":1 and \"candidateCount"}`:      `{"text":"\"candidateCount\":1, \\\"candidateCount\":1 and \"candidateCount"}`,
		`{"text":"\"candidateCount\":1,","generationConfig":{"candidateCount":1,"topK":3}}`: `{"text":"\"candidateCount\":1,","generationConfig":{"topK":3}}`,
	} {
		if got := withoutCandidateCount([]byte(given)); string(got) != want {
			t.Errorf("%s became %s, want %s", given, got, want)
		}
	}
}

func TestAnAnswerIsReadWhole(t *testing.T) {
	t.Parallel()
	thinking := `[{"candidates":[{"content":{"parts":[{"text":"let me see","thought":true}]}}]},` +
		`{"candidates":[{"content":{"parts":[{"text":"Habari"}]}}],"usageMetadata":{"promptTokenCount":4,"totalTokenCount":4}},` +
		`{"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"c2ln"}]},"finishReason":1}],` +
		`"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":2,"thoughtsTokenCount":20,"totalTokenCount":26}}]`
	tests := []struct {
		name, body, text, finish string
		prompt, response         int
	}{
		{"chunks", good, testWords, "STOP", 7, 5},
		{"thoughts", thinking, "Habari", "STOP", 4, 22},
		{"names for numbers", ends(`"STOP"`, `{"text":"yes"}`), "yes", "STOP", 0, 0},
		{"cut at the limit", ends("2", `{"text":"and then"}`), "and then", "MAX_TOKENS", 0, 0},
		{"cut at the limit, by name", ends(`"MAX_TOKENS"`, `{"text":"and then"}`), "and then", "MAX_TOKENS", 0, 0},
		{"a finish reason that is new", ends(`"WHIM"`, `{"text":"yes"}`), "yes", "OTHER", 0, 0},
		{"parts that the SDK cannot read", ends("1", `{"thoughtSignature":"c2ln"},{},{"fileData":{"fileUri":"x"}},{"text":"yes"}`), "yes", "STOP", 0, 0},
		{"a lone chunk", strings.Trim(ends("1", `{"text":"yes"}`), "[]"), "yes", "STOP", 0, 0},
		{"what nobody can store", ends("1", `{"text":"yes\u0000"}`), "yes\ufffd", "STOP", 0, 0},
		{"counts that nobody can store", strings.TrimSuffix(ends("1", `{"text":"yes"}`), "}]") +
			`,"usageMetadata":{"promptTokenCount":3000000000,"candidatesTokenCount":2000000000,"thoughtsTokenCount":2000000000}}]`,
			"yes", "STOP", 2147483647, 2147483647},
		{"half a surrogate pair", ends("1", `{"text":"yes \ud83d"}`), "yes \ufffd", "STOP", 0, 0},
		{"other candidates", `[{"candidates":[{"index":1,"content":{"parts":[{"text":"no"}]},"finishReason":3},{"content":{"parts":[{"text":"yes"}]},"finishReason":1}]}]`, "yes", "STOP", 0, 0},
		{"members that are new", `[{"responseId":"x","candidates":[{"content":{"parts":[{"text":"yes","partMetadata":{}}]},"finishReason":1,"safetyRatings":"new","groundingMetadata":{}}]}]`, "yes", "STOP", 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSubject(t, newFakeAPI(t, reply200(test.body)).URL, nil)
			got, err := s.Generate(t.Context(), question())
			if err != nil {
				t.Fatal(err)
			}
			if got.Took <= 0 {
				t.Errorf("took %v", got.Took)
			}
			got.Took = 0
			want := gemini.Answer{Text: sensitive.NewText(test.text), Model: "first", FinishReason: test.finish,
				PromptTokens: test.prompt, ResponseTokens: test.response}
			if got != want {
				t.Errorf("got %q, %+v", got.Text.Reveal(), got)
			}
			discreet(t, s, nil)
		})
	}
}

func TestTheLogTellsOfAnAnswerButNotWhatItSays(t *testing.T) {
	t.Parallel()
	s := newSubject(t, newFakeAPI(t, reply200(good)).URL, nil)
	if _, err := s.Generate(t.Context(), question()); err != nil {
		t.Fatal(err)
	}
	for _, told := range []string{"model=first", "outcome=answered", "took=", "prompt_tokens=7", "response_tokens=5", "finish_reason=STOP"} {
		if !strings.Contains(s.log.String(), told) {
			t.Errorf("%s is missing in %s", told, s.log)
		}
	}
	discreet(t, s, nil)
}

func TestAClientWithoutWhatItNeedsIsNotMade(t *testing.T) {
	t.Parallel()
	s := newSubject(t, "http://127.0.0.1:1", nil)
	for name, spoil := range map[string]func(*Options){
		"key":     func(o *Options) { o.APIKey = sensitive.Secret{} },
		"model":   func(o *Options) { o.Model = "models/" },
		"timeout": func(o *Options) { o.Timeout = 0 },
		"log":     func(o *Options) { o.Log = nil },
	} {
		options := s.options
		options.Timeout = time.Second
		spoil(&options)
		if _, err := New(t.Context(), options); err == nil {
			t.Errorf("it was made without a %s", name)
		}
	}
}

func TestCallersShareOneConnectionOverTLS(t *testing.T) {
	t.Parallel()
	var protocol string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol = r.Proto
		reply200(good)(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	s := newSubject(t, server.URL, nil)
	s.base.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	s.base.TLSClientConfig.RootCAs.AddCert(server.Certificate())

	if _, err := s.Generate(t.Context(), question()); err != nil || protocol != "HTTP/2.0" {
		t.Errorf("asked over %s, error %v", protocol, err)
	}
}
