package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

var wanjiru = Person{Phone: "+254 712 345678", Name: "Wanjiru"}

const (
	testNumber = "1234567890"
	testToken  = "token"
	testKey    = "key"
)

// testTimeout bounds every wait, so that a missing event fails one test and does
// not block the whole run.
const testTimeout = time.Minute

// client also times out while it reads a body or an event stream.
var client = &http.Client{Timeout: testTimeout}

// receivedWebhook is a webhook that reached the service.
type receivedWebhook struct {
	header http.Header
	body   []byte
	items  map[string][]map[string]any // messages, statuses and contacts
}

// fakeService receives webhooks. A test can set its responses with respond.
type fakeService struct {
	mu       sync.Mutex
	webhooks []receivedWebhook
	respond  func(attempt int, hook receivedWebhook) int // returns the status; nil means 200
}

func (f *fakeService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		if r.URL.Query().Get("hub.verify_token") != "verify" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, r.URL.Query().Get("hub.challenge"))
		return
	}
	body, _ := io.ReadAll(r.Body)
	hook := receivedWebhook{header: r.Header, body: body, items: itemsOf(body)}
	f.mu.Lock()
	f.webhooks = append(f.webhooks, hook)
	attempt, status := len(f.webhooks), http.StatusOK
	if f.respond != nil {
		status = f.respond(attempt, hook)
	}
	f.mu.Unlock()
	w.WriteHeader(status)
}

func (f *fakeService) received() []receivedWebhook {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]receivedWebhook(nil), f.webhooks...)
}

// statuses returns the received statuses in their order.
func (f *fakeService) statuses() []map[string]any {
	var all []map[string]any
	for _, hook := range f.received() {
		all = append(all, hook.items["statuses"]...)
	}
	return all
}

func itemsOf(body []byte) map[string][]map[string]any {
	var envelope struct {
		Entry []struct {
			Changes []struct {
				Value map[string]json.RawMessage `json:"value"`
			} `json:"changes"`
		} `json:"entry"`
	}
	items := map[string][]map[string]any{}
	if json.Unmarshal(body, &envelope) != nil || len(envelope.Entry) != 1 {
		return items
	}
	for key, raw := range envelope.Entry[0].Changes[0].Value {
		var list []map[string]any
		if json.Unmarshal(raw, &list) == nil {
			items[key] = list
		}
	}
	return items
}

// fixture is a running simulator with a fake service.
type fixture struct {
	*Simulator
	service *fakeService
	url     string
}

func newFixture(t *testing.T, service *fakeService) fixture {
	t.Helper()
	hooks := httptest.NewServer(service)
	t.Cleanup(hooks.Close)
	s := New(Options{
		WebhookURL:    hooks.URL + "/webhook/whatsapp",
		AppSecret:     "secret",
		VerifyToken:   "verify",
		AccessToken:   testToken,
		GeminiKey:     testKey,
		PhoneNumberID: testNumber,
		DisplayNumber: "+254 700 000000",
		Timing:        Timing{RetryCap: 4 * time.Millisecond},
	})
	s.client.Timeout = testTimeout // a slow machine must not make an attempt fail
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(s.Close)
	return fixture{Simulator: s, service: service, url: server.URL}
}

// waitFor waits until wanted is true for the ledger, and fails the test after
// testTimeout.
func (r fixture) waitFor(t *testing.T, wanted func(Ledger) bool) Ledger {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	if err := r.WaitFor(ctx, wanted); err != nil {
		t.Fatal(err)
	}
	return r.Ledger()
}

// idle reports whether all deliveries are finished.
func idle(l Ledger) bool { return l.Counts.Pending == 0 }

// post sends a JSON body. Headers are pairs of a name and a value.
func (r fixture) post(t *testing.T, path, body string, headers ...string) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	responseBody, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, responseBody
}

// postWithError is like post, for calls whose connection may break.
func (r fixture) postWithError(t *testing.T, path, body string, headers ...string) (status int, responseBody []byte, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	responseBody, err = io.ReadAll(response.Body)
	return response.StatusCode, responseBody, err
}

func (r fixture) get(t *testing.T, path string, headers ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// decode decodes JSON into a T.
func decode[T any](t *testing.T, body []byte) T {
	t.Helper()
	var into T
	if err := json.Unmarshal(body, &into); err != nil {
		t.Fatalf("decode JSON: %v\n%s", err, body)
	}
	return into
}
