package simulator

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// exchanges returns the traffic list, oldest first.
func (r fixture) exchanges() []exchange {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	return r.store.pageState().Traffic
}

// repeat sends an exchange again through the page and waits for it.
func (r fixture) repeat(t *testing.T, id int64) {
	t.Helper()
	if status, body := r.post(t, fmt.Sprintf("/api/traffic/%d/repeat", id), "{}"); status != http.StatusAccepted {
		t.Fatalf("repeat exchange %d: got %d %s, want 202", id, status, body)
	}
	r.waitFor(t, idle)
}

func TestPageRepeatExchange(t *testing.T) {
	t.Parallel()
	t.Run("webhook", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		r.Say(wanjiru, strings.Repeat("long ", maxShownBody/5))
		r.waitFor(t, idle)
		r.repeat(t, r.exchanges()[0].ID)
		hooks := r.service.received()
		if len(hooks) != 2 || !bytes.Equal(hooks[0].body, hooks[1].body) ||
			hooks[0].header.Get("X-Hub-Signature-256") != hooks[1].header.Get("X-Hub-Signature-256") {
			t.Errorf("service got %d webhooks, want the same one twice", len(hooks))
		}
		if list := r.exchanges(); len(list) != 2 || list[1].Summary != "text message · copy" {
			t.Errorf("traffic is %+v, want a second exchange for the copy", list)
		}
	})
	t.Run("calls_of_the_service", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		r.answer(t, "an answer")
		r.postGemini(t, streamPath+intEnums, promptAfterTwoTurns("a question"))
		r.waitFor(t, idle)
		for _, x := range r.exchanges() {
			if x.Kind != kindWebhook {
				r.repeat(t, x.ID)
			}
		}
		ledger := r.Ledger()
		if len(ledger.Outbound) != 2 || ledger.Outbound[1].Body != "an answer" {
			t.Errorf("ledger has the messages %+v, want the same one twice", ledger.Outbound)
		}
		if len(ledger.ModelCalls) != 2 || ledger.ModelCalls[1].Prompt != "a question" {
			t.Errorf("ledger has the model calls %+v, want the same one twice", ledger.ModelCalls)
		}
	})
	t.Run("verification", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		if err := r.Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.repeat(t, r.exchanges()[0].ID)
		if list := r.exchanges(); len(list) != 2 || list[1].Status != http.StatusOK {
			t.Errorf("traffic is %+v, want two verifications", list)
		}
	})
	t.Run("is_refused", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		large := r.store.beginExchange(exchange{Kind: kindGemini, request: make([]byte, maxKeptRequest+1)}).ID
		for name, id := range map[string]int64{"unknown_exchange": 999_999, "incomplete_request": large} {
			if status, body := r.post(t, fmt.Sprintf("/api/traffic/%d/repeat", id), "{}"); status != http.StatusUnprocessableEntity {
				t.Errorf("%s: got %d %s, want 422", name, status, body)
			}
		}
	})
}

func TestExchange_Label(t *testing.T) {
	t.Parallel()
	r := newFixture(t, &fakeService{})
	id := r.Say(wanjiru, "a question")
	person := r.store.addPerson(wanjiru).UserID
	r.postGraph(t, fmt.Sprintf(`{"messaging_product":"whatsapp","status":"read","message_id":%q,"typing_indicator":{"type":"text"}}`, id))
	r.postGemini(t, streamPath+intEnums, promptAfterTwoTurns("a question"))
	r.answer(t, "an answer")
	file := r.SendFile(wanjiru, kindDocument, "application/pdf", []byte("%PDF-"), "")
	r.get(t, "/v25.0/"+r.viewOf(t, file).File.ID, "Authorization", "Bearer "+testToken)
	r.waitFor(t, idle)
	want := map[exchangeLabel]bool{
		{Summary: "text message", Person: person, Excerpt: "a question"}:       true,
		{Summary: "mark read, typing", Person: person}:                         true,
		{Summary: "completion", Person: person, Excerpt: "a question"}:         true,
		{Summary: "send message", Person: person, Excerpt: "an answer"}:        true,
		{Summary: "status sent", Person: person, Excerpt: "an answer"}:         true,
		{Summary: "status delivered", Person: person, Excerpt: "an answer"}:    true,
		{Summary: "status read", Person: person, Excerpt: "an answer"}:         true,
		{Summary: "document", Person: person, Excerpt: "document"}:             true,
		{Summary: "describe file", Person: person, Excerpt: "application/pdf"}: true,
	}
	for _, x := range r.exchanges() {
		if !want[x.exchangeLabel] {
			t.Errorf("traffic has the label %+v, which is not expected", x.exchangeLabel)
		}
		delete(want, x.exchangeLabel)
	}
	if len(want) > 0 {
		t.Errorf("traffic lacks the labels %v", want)
	}
}

func TestStore_AuthorOfPrompt(t *testing.T) {
	t.Parallel()
	otieno := Person{Phone: "254722905114"}
	for name, tt := range map[string]struct {
		prompt string
		other  string // text of another person who waits for an answer
		want   bool
	}{
		"only_person_with_the_text": {prompt: "earlier\nhello", other: "goodbye", want: true},
		"two_people_with_the_text":  {prompt: "hello", other: "hello", want: false},
		"nobody_with_the_text":      {prompt: "a developer's prompt", other: "goodbye", want: false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStore(time.Now)
			for person, text := range map[Person]string{wanjiru: "hello", otieno: tt.other} {
				in, _, _ := st.addInbound(person, kindText, object{kindText: object{"body": text}})
				st.markRead(ReadCall{WAMID: in.WAMID, Typing: true})
			}
			want := ""
			if tt.want {
				want = st.userIDOf(wanjiru)
			}
			if got := st.authorOfPrompt(tt.prompt); got != want {
				t.Errorf("authorOfPrompt(%q) = %q, want %q", tt.prompt, got, want)
			}
		})
	}
}

func TestExchange_Curl(t *testing.T) {
	t.Parallel()
	t.Run("webhook_is_accepted_by_the_service", func(t *testing.T) {
		t.Parallel()
		if _, err := exec.LookPath("curl"); err != nil {
			t.Log("curl is not installed, so the command is NOT run")
			return
		}
		r := newFixture(t, &fakeService{})
		r.Say(wanjiru, `it's "quoted" and $HOME and äö 😀`)
		r.waitFor(t, idle)
		command := r.detail(t, r.exchanges()[0].ID).Curl
		if output, err := exec.CommandContext(t.Context(), "sh", "-c", command).CombinedOutput(); err != nil {
			t.Fatalf("run %s: %v\n%s", command, err, output)
		}
		hooks := r.service.received()
		if len(hooks) != 2 || !bytes.Equal(hooks[0].body, hooks[1].body) ||
			hooks[0].header.Get("X-Hub-Signature-256") != hooks[1].header.Get("X-Hub-Signature-256") {
			t.Errorf("service got %d webhooks, want the same one twice", len(hooks))
		}
	})
	t.Run("secrets_are_variables", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		r.answer(t, "an answer")
		r.postGemini(t, streamPath+intEnums, promptAfterTwoTurns("a question"))
		if err := r.Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.waitFor(t, idle)
		found := map[string]bool{}
		for _, x := range r.exchanges() {
			curl := r.detail(t, x.ID).Curl
			for _, variable := range []string{"$WHATSAPP_TOKEN", "$GEMINI_API_KEY", "$WEBHOOK_VERIFY_TOKEN"} {
				found[variable] = found[variable] || strings.Contains(curl, variable+`"`)
			}
			if x.Kind == kindGemini && !strings.Contains(curl, "enum-encoding") {
				t.Errorf("command is %s, want the query of the call", curl)
			}
		}
		if !found["$WHATSAPP_TOKEN"] || !found["$GEMINI_API_KEY"] || !found["$WEBHOOK_VERIFY_TOKEN"] {
			t.Errorf("commands have the variables %v, want all three", found)
		}
	})
	t.Run("incomplete_request_has_none", func(t *testing.T) {
		t.Parallel()
		x := exchange{Method: http.MethodPost, URL: "http://localhost/x", truncated: true}
		if got := x.curl(); got != "" {
			t.Errorf("curl() = %q, want an empty string", got)
		}
	})
}

// detail returns what the page loads for an exchange.
func (r fixture) detail(t *testing.T, id int64) exchangeDetail {
	t.Helper()
	body, err := io.ReadAll(r.get(t, fmt.Sprintf("/api/traffic/%d", id)).Body)
	if err != nil {
		t.Fatal(err)
	}
	return decode[exchangeDetail](t, body)
}

func TestRedirectToDocs(t *testing.T) {
	t.Parallel()
	r := newFixture(t, &fakeService{})
	r.SetWebhookURL("http://localhost:8000/webhook/whatsapp")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/docs", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if got := response.Header.Get("Location"); response.StatusCode != http.StatusFound || got != "http://localhost:8000/docs" {
		t.Errorf("got %d to %q, want 302 to http://localhost:8000/docs", response.StatusCode, got)
	}
	r.SetWebhookURL("")
	if status := r.get(t, "/docs").StatusCode; status != http.StatusServiceUnavailable {
		t.Errorf("before the service starts: got %d, want 503", status)
	}
}
