package simulator

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
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
