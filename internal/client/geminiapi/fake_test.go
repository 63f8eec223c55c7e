package geminiapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
)

const (
	testKey        = "AIzaSyTest-0123456789"
	testPrompt     = "how tall is Mount Kenya"
	testCompletion = "5,199 metres"
	testLimit      = 100
)

// fakeAPI is an HTTP server in place of the Gemini API. It handles each request
// with the next handler of its script, and all further ones with the last. It
// records the requests.
type fakeAPI struct {
	*httptest.Server
	mu       sync.Mutex
	script   []http.HandlerFunc
	recorded []recordedRequest
}

type recordedRequest struct {
	path, query, key string
	body             []byte
}

func newFakeAPI(t *testing.T, script ...http.HandlerFunc) *fakeAPI {
	t.Helper()
	api := &fakeAPI{script: script}
	api.Server = httptest.NewServer(http.HandlerFunc(api.serve))
	t.Cleanup(api.Close)
	return api
}

func (a *fakeAPI) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	a.recorded = append(a.recorded, recordedRequest{
		path: r.URL.Path, query: r.URL.RawQuery, key: r.Header.Get("X-Goog-Api-Key"), body: body,
	})
	handler := a.script[0]
	if len(a.script) > 1 {
		a.script = a.script[1:]
	}
	a.mu.Unlock()
	handler(w, r)
}

func (a *fakeAPI) requests() []recordedRequest {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.recorded
}

// testClient is a Client with its log and its metrics.
type testClient struct {
	*Client
	log      *bytes.Buffer
	attempts []string // model and outcome of each attempt
}

func newTestClient(t testing.TB, url string, change func(*Options)) *testClient {
	t.Helper()
	c := &testClient{log: &bytes.Buffer{}}
	options := Options{
		APIKey:  sensitive.NewSecret(testKey),
		BaseURL: url,
		Model:   "first",
		Timeout: time.Minute,
		Log:     slog.New(slog.NewTextHandler(c.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Observe: func(model, outcome string, _ time.Duration) { c.attempts = append(c.attempts, model+" "+outcome) },
	}
	if change != nil {
		change(&options)
	}
	client, err := New(t.Context(), options)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() { _ = client.Close() })
	client.backoff = backoff{initial: time.Millisecond, max: 4 * time.Millisecond}
	c.Client = client
	return c
}

func withFallback(o *Options) { o.Fallback = "second" }

func question() gemini.Request {
	return gemini.Request{Contents: []gemini.Content{textContent(gemini.RoleUser, testPrompt)}, MaxOutputTokens: testLimit}
}

func textContent(role gemini.Role, text string) gemini.Content {
	return gemini.Content{Role: role, Parts: []gemini.Part{{Text: sensitive.NewText(text)}}}
}

// checkNothingLeaked fails if an error in err's chain or the log contains the
// key, the query of a URL, the prompt or the completion.
func checkNothingLeaked(t *testing.T, log fmt.Stringer, err error) {
	t.Helper()
	texts := log.String()
	for ; err != nil; err = errors.Unwrap(err) {
		texts += "\n" + err.Error()
	}
	for _, private := range []string{testKey, "alt=", "enum-encoding", testPrompt, testCompletion} {
		if strings.Contains(texts, private) {
			t.Errorf("the log or an error contains %q, want it absent:\n%s", private, texts)
		}
	}
}

func respondOK(body string) http.HandlerFunc { return respond(http.StatusOK, body) }

func respond(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// respondError responds with an error in the form of a stream.
func respondError(code int, status, message string, details ...string) http.HandlerFunc {
	return respond(code, "["+errorObject(code, status, message, details...)+"]")
}

func errorObject(code int, status, message string, details ...string) string {
	return fmt.Sprintf(`{"error":{"code":%d,"message":%q,"status":%q,"details":[%s]}}`,
		code, message, status, strings.Join(details, ","))
}

const perMinute = `{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier","quotaDimensions":{"model":"x"}}]}`
const perDay = `{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}`

func retryInfo(delay string) string {
	return fmt.Sprintf(`{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":%q}`, delay)
}

// goodStream is a complete response in two chunks, formatted as the API does.
const goodStream = `[{"candidates":[{"content":{"parts":[{"text":"5,199 "}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":7,"totalTokenCount":7}}
,
{"candidates":[{"content":{"parts":[{"text":"metres"}],"role":"model"},"finishReason":1,"index":0}],"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":5,"totalTokenCount":12}}
]`

// stream returns a stream of one chunk. Both arguments are JSON.
func stream(finishReason, parts string) string {
	return fmt.Sprintf(`[{"candidates":[{"content":{"parts":[%s],"role":"model"},"finishReason":%s,"index":0}]}]`, parts, finishReason)
}

// cutBeforeResponse closes the connection without a response.
func cutBeforeResponse(w http.ResponseWriter, _ *http.Request) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = connection.Close()
	}
}

// cutWithinResponse closes the connection in the middle of a body.
func cutWithinResponse(w http.ResponseWriter, _ *http.Request) {
	connection, out, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_, _ = out.WriteString("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n" + goodStream[:90])
	_ = out.Flush()
	_ = connection.Close()
}

// hang sends nothing until the client closes the connection.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
