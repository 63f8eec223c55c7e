package geminiapi

import (
	"bytes"
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
	testKey    = "AIzaSyTest-0123456789"
	testPrompt = "how tall is Mount Kenya"
	testWords  = "5,199 metres"
)

// fakeAPI answers requests one after the other as scripted, the last way for
// ever, and keeps what it was asked.
type fakeAPI struct {
	*httptest.Server
	mu     sync.Mutex
	script []http.HandlerFunc
	asked  []asked
}

type asked struct {
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
	a.asked = append(a.asked, asked{r.URL.Path, r.URL.RawQuery, r.Header.Get("X-Goog-Api-Key"), body})
	handler := a.script[0]
	if len(a.script) > 1 {
		a.script = a.script[1:]
	}
	a.mu.Unlock()
	handler(w, r)
}

func (a *fakeAPI) requests() []asked {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// subject is a Client together with everything it tells.
type subject struct {
	*Client
	log      *bytes.Buffer
	attempts []string // model and outcome of each
}

func newSubject(t *testing.T, url string, change func(*Options)) *subject {
	t.Helper()
	s := &subject{log: &bytes.Buffer{}}
	options := Options{
		APIKey:  sensitive.NewSecret(testKey),
		BaseURL: url,
		Model:   "first",
		Timeout: time.Minute,
		Log:     slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Observe: func(model, outcome string, _ time.Duration) { s.attempts = append(s.attempts, model+" "+outcome) },
	}
	if change != nil {
		change(&options)
	}
	client, err := New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	client.pause = pause{first: time.Millisecond, longest: 4 * time.Millisecond}
	s.Client = client
	return s
}

func withFallback(o *Options) { o.Fallback = "second" }

func question() gemini.Request {
	return gemini.Request{Turns: []gemini.Turn{said(gemini.User, testPrompt)}}
}

func said(role gemini.Role, words string) gemini.Turn {
	return gemini.Turn{Role: role, Parts: []gemini.Part{{Text: sensitive.NewText(words)}}}
}

// reply200 answers 200 with body.
func reply200(body string) http.HandlerFunc { return replyWith(http.StatusOK, body) }

func replyWith(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// replyError answers as the API does when a stream was asked for.
func replyError(code int, status, message string, details ...string) http.HandlerFunc {
	return replyWith(code, "["+errorObject(code, status, message, details...)+"]")
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

// good is the stream of an answer in two chunks, the way the API sends it.
const good = `[{"candidates":[{"content":{"parts":[{"text":"5,199 "}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":7,"totalTokenCount":7}}
,
{"candidates":[{"content":{"parts":[{"text":"metres"}],"role":"model"},"finishReason":1,"index":0}],"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":5,"totalTokenCount":12}}
]`

// ends is a stream of one chunk with the finish reason, as JSON, and the parts.
func ends(reason, parts string) string {
	return fmt.Sprintf(`[{"candidates":[{"content":{"parts":[%s],"role":"model"},"finishReason":%s,"index":0}]}]`, parts, reason)
}

// cutBefore closes the connection without a byte of an answer, and cutWithin
// in the middle of one.
func cutBefore(w http.ResponseWriter, _ *http.Request) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = connection.Close()
	}
}

func cutWithin(w http.ResponseWriter, _ *http.Request) {
	connection, out, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_, _ = out.WriteString("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n" + good[:90])
	_ = out.Flush()
	_ = connection.Close()
}

// silent answers nothing until the caller has gone.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
