package simulator

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func (r running) get(t *testing.T, path string, headers ...string) *http.Response {
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

// events reads the stream of a page until one satisfies wanted.
func (r running) events(t *testing.T) func(event string, wanted func(data []byte) bool) {
	t.Helper()
	stream := r.get(t, "/api/events").Body
	lines := bufio.NewReader(stream)
	return func(event string, wanted func([]byte) bool) {
		t.Helper()
		current := ""
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("the stream ended before %s came: %v", event, err)
			}
			if name, ok := strings.CutPrefix(line, "event: "); ok {
				current = strings.TrimSpace(name)
			}
			data, ok := strings.CutPrefix(line, "data: ")
			if ok && current == event && wanted([]byte(data)) {
				return
			}
		}
	}
}

func TestPageAndItsFilesComeWithAStrictPolicy(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	for path, want := range map[string]string{
		"/": "text/html", "/web/main.js": "javascript", "/web/base.css": "text/css", "/web/icon.svg": "image/svg+xml",
	} {
		response := r.get(t, path)
		body, _ := io.ReadAll(response.Body)
		policy := response.Header.Get("Content-Security-Policy")
		if response.StatusCode != http.StatusOK || len(body) == 0 || !strings.Contains(response.Header.Get("Content-Type"), want) {
			t.Errorf("%s: status %d, %s", path, response.StatusCode, response.Header.Get("Content-Type"))
		}
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s has the policy %q", path, policy)
		}
	}
	if status := r.get(t, "/web/nothing.js").StatusCode; status != http.StatusNotFound {
		t.Errorf("a file that is not there: status %d", status)
	}
}

func TestPageSendsAsAPersonItAdded(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	status, body := r.post(t, "/api/people", `{"phone":"+254 799 111 222"}`)
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}
	person := decode[struct{ ID string }](t, body).ID
	status, body = r.post(t, "/api/messages", fmt.Sprintf(`{"person":%q,"text":"jambo"}`, person))
	if status != http.StatusAccepted {
		t.Fatalf("status %d: %s", status, body)
	}
	ledger := r.wait(t, quiet)
	if in := ledger.Inbound[0]; in.Text != "jambo" || in.Person.Phone != "254799111222" || in.WAMID != decode[struct{ ID string }](t, body).ID {
		t.Errorf("ledger has %+v", in)
	}
}

func TestPageAPIRefuses(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	const person = `{"phone":"254799111222"}`
	tests := []struct {
		name       string
		path, body string
		headers    []string
		want       int
	}{
		{"another site", "/api/people", person, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a neighbouring site", "/api/people", person, []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"another origin", "/api/people", person, []string{"Origin", "https://evil.example"}, 403},
		{"a form", "/api/people", person, []string{"Content-Type", "text/plain"}, 415},
		{"not JSON", "/api/people", `phone`, nil, 400},
		{"too much", "/api/people", `{"name":"` + strings.Repeat("x", maxPageBody) + `"}`, nil, 413},
		{"no number", "/api/people", `{"phone":"Wanjiru"}`, nil, 422},
		{"nobody", "/api/messages", `{"person":"KE.nobody","text":"x"}`, nil, 422},
	}
	for _, test := range tests {
		if status, body := r.post(t, test.path, test.body, test.headers...); status != test.want {
			t.Errorf("%s: status %d, want %d: %s", test.name, status, test.want, body)
		}
	}
	if status := r.get(t, "/api/events", "Sec-Fetch-Site", "cross-site").StatusCode; status != http.StatusForbidden {
		t.Errorf("another site reads the events: status %d", status)
	}
}

func TestEventsBeginWithTheStateAndTellEachStep(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	first := r.Say(wanjiru, "before the page")
	r.wait(t, quiet)

	next := r.events(t)
	next("state", func(data []byte) bool {
		s := decode[state](t, data)
		if len(s.Messages) != 1 || s.Messages[0].ID != first || s.Messages[0].State != "sent" || s.Service.State != serviceOK || len(s.Traffic) != 1 {
			t.Errorf("state is %s", data)
		}
		return true
	})
	second := r.Say(wanjiru, "after it")
	for _, want := range []string{"pending", "sent"} {
		next("message", func(data []byte) bool {
			b := decode[bubble](t, data)
			return b.ID == second && b.Direction == "out" && b.State == want
		})
	}
	r.graph(t, fmt.Sprintf(`{"messaging_product":"whatsapp","status":"read","message_id":%q,"typing_indicator":{"type":"text"}}`, second))
	next("message", func(data []byte) bool { return decode[bubble](t, data).State == "read" })
	next("person", func(data []byte) bool { return !decode[personView](t, data).TypingUntil.IsZero() })
	r.graph(t, textTo(`"to":"254712345678"`, "an answer"))
	next("person", func(data []byte) bool { return decode[personView](t, data).TypingUntil.IsZero() })
	for _, want := range []State{Accepted, Sent, Delivered, Read} {
		next("message", func(data []byte) bool {
			b := decode[bubble](t, data)
			return b.Direction == "in" && b.State == string(want)
		})
	}
}

func TestPageIsToldThatTheServiceIsOutOfReach(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	r.SetWebhookURL("http://127.0.0.1:1/nobody")
	next := r.events(t)
	id := r.Say(wanjiru, "anybody?")
	next("service", func(data []byte) bool { return decode[service](t, data).State == serviceUnreachable })
	next("message", func(data []byte) bool {
		b := decode[bubble](t, data)
		return b.ID == id && b.State == stateRetrying
	})
}

func TestTrafficShowsBodiesAndSignatureButNoSecret(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	r.Say(wanjiru, "show me")
	r.wait(t, quiet)
	r.graph(t, textTo(`"to":"254712345678"`, "an answer"))
	r.gemini(t, streamPath+intEnums, conversation3("a question"))
	if err := r.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wait(t, quiet)

	r.store.mu.Lock()
	exchanges := slices.Clone(r.store.exchanges)
	r.store.mu.Unlock()
	seen := map[exchangeKind]bool{}
	for _, x := range exchanges {
		response := r.get(t, fmt.Sprintf("/api/traffic/%d", x.ID))
		body, _ := io.ReadAll(response.Body)
		detail := decode[map[string]any](t, body)
		if x.Method == http.MethodPost && (detail["request"] == "" || (x.Kind == kindWebhook) != (detail["signature"] != nil)) {
			t.Errorf("exchange is %s", body)
		}
		for _, secret := range []string{"Bearer", testKey + `"`, "verify_token=verify"} {
			if strings.Contains(string(body), secret) {
				t.Errorf("exchange shows %q: %s", secret, body)
			}
		}
		seen[x.Kind] = true
	}
	if len(seen) != 3 {
		t.Errorf("kinds of traffic are %v", seen)
	}
	if status := r.get(t, "/api/traffic/999999").StatusCode; status != http.StatusNotFound {
		t.Errorf("an exchange that is not there: status %d", status)
	}
}

func TestSlowPageIsDroppedAndNobodyWaitsForIt(t *testing.T) {
	t.Parallel()
	st := newStore(run(t, &fakeService{}).store.now)
	slow := st.subscribe()
	for i := range subscriberBacklog + 10 {
		st.receive(wanjiru, "text", fmt.Sprint(i))
	}
	events := 0
	for range slow.events {
		events++
	}
	if events != subscriberBacklog {
		t.Errorf("the page got %d events before it was dropped", events)
	}
}

func TestOnlyTheLatestIsKept(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	for i := range maxMessages + 5 {
		r.store.receive(wanjiru, "text", fmt.Sprint(i))
	}
	for range maxExchanges + 5 {
		r.store.begin(exchange{Kind: kindGraph})
	}
	ledger := r.Ledger()
	if len(ledger.Inbound) != maxMessages || ledger.Inbound[0].Text != "5" || ledger.Counts.Inbound != maxMessages+5 {
		t.Errorf("%d messages from %q, counts %+v", len(ledger.Inbound), ledger.Inbound[0].Text, ledger.Counts)
	}
	if len(r.store.exchanges) != maxExchanges {
		t.Errorf("%d exchanges are kept", len(r.store.exchanges))
	}
}

func TestThePageIsServedUnderTheNamesOfThisMachineAlone(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "localhost:8001": true, "127.0.0.1:8001": true, "[::1]:8001": true, "127.8.8.8": true,
		"evil.example:8001": false, "localhost.evil.example": false, "192.0.2.1:8001": false, "": false,
	} {
		if got := thisMachine(host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
	r := run(t, &fakeService{})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/api/people", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "evil.example:8001"
	request.Header.Set("Origin", "http://evil.example:8001")
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another name got %d", response.StatusCode)
	}
}
