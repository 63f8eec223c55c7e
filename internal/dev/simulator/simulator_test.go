package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
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

// patience bounds every wait, so that what never comes fails its own test and
// does not hold up all the others.
const patience = time.Minute

// client also gives up on an answer that stops half-way, a stream included.
var client = &http.Client{Timeout: patience}

// webhook is what reached the service.
type webhook struct {
	header http.Header
	body   []byte
	items  map[string][]map[string]any // messages, statuses and contacts
}

// fakeService takes webhooks and answers as it is told.
type fakeService struct {
	mu       sync.Mutex
	webhooks []webhook
	answer   func(attempt int, hook webhook) int // nil: 200
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
	hook := webhook{header: r.Header, body: body, items: itemsOf(body)}
	f.mu.Lock()
	f.webhooks = append(f.webhooks, hook)
	attempt, status := len(f.webhooks), http.StatusOK
	if f.answer != nil {
		status = f.answer(attempt, hook)
	}
	f.mu.Unlock()
	w.WriteHeader(status)
}

func (f *fakeService) received() []webhook {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]webhook(nil), f.webhooks...)
}

// statuses are the statuses that came, in order.
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

// running is a simulator and a service that listen.
type running struct {
	*Simulator
	service *fakeService
	url     string
}

func run(t *testing.T, service *fakeService) running {
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
	s.client.Timeout = patience // a machine that stands still for a while makes no attempt fail
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(s.Close)
	return running{Simulator: s, service: service, url: server.URL}
}

// wait fails the test if the ledger does not become as wanted.
func (r running) wait(t *testing.T, wanted func(Ledger) bool) Ledger {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := r.WaitFor(ctx, wanted); err != nil {
		t.Fatal(err)
	}
	return r.Ledger()
}

// quiet is a ledger after which nothing more comes by itself.
func quiet(l Ledger) bool { return l.Counts.Pending == 0 }

// post sends a body with headers, given in pairs, and returns the answer.
func (r running) post(t *testing.T, path, body string, headers ...string) (int, []byte) {
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
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

// decode reads JSON into a T.
func decode[T any](t *testing.T, body []byte) T {
	t.Helper()
	var into T
	if err := json.Unmarshal(body, &into); err != nil {
		t.Fatalf("not the JSON that was expected: %v\n%s", err, body)
	}
	return into
}

func TestWaitForTellsWhenItWaitedInVain(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.WaitFor(ctx, func(Ledger) bool { return false }); err == nil {
		t.Error("no error although the condition never held")
	}
}

func TestCloseEndsDeliveriesThatNobodyTakes(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{answer: func(int, webhook) int { return http.StatusServiceUnavailable }})
	r.Say(wanjiru, "anybody there?")
	r.wait(t, func(l Ledger) bool { return l.Counts.WebhookAttempts >= 2 })
	r.Close()
	if l := r.Ledger(); l.Counts.Pending != 0 || l.Counts.Acknowledged != 0 {
		t.Errorf("after Close: %+v", l.Counts)
	}
	r.Say(wanjiru, "too late") // starts nothing and does not panic
	if l := r.Ledger(); l.Counts.Pending != 0 {
		t.Errorf("a delivery began after Close: %+v", l.Counts)
	}
}
