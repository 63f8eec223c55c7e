package simulator

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	decoder "aisha/internal/service/whatsapp/webhook"
)

// batch decodes all received webhooks as the service does.
func (f *fakeService) batch() decoder.Batch {
	var all decoder.Batch
	for _, hook := range f.received() {
		all.Append(decoder.Decode(hook.body, time.Now()))
	}
	return all
}

// act posts an action on a message of wanjiru and returns the status.
func (r fixture) act(t *testing.T, path, wamid, text string) (status int, response string) {
	t.Helper()
	person := r.store.addPerson(wanjiru).UserID
	status, body := r.post(t, path, fmt.Sprintf(`{"person":%q,"message":%q,"text":%q}`, person, wamid, text))
	return status, string(body)
}

// answer sends a message of the service to wanjiru, waits for its statuses and
// returns it.
func (r fixture) answer(t *testing.T, text string) Outbound {
	t.Helper()
	if status, body := r.postGraph(t, textRequest(`"to":"254712345678"`, text)); status != http.StatusOK {
		t.Fatalf("send a message of the service: got %d %s", status, body)
	}
	sent := r.waitFor(t, idle).SentTo(wanjiru)
	return sent[len(sent)-1]
}

// viewOf returns what the page shows for a message.
func (r fixture) viewOf(t *testing.T, wamid string) messageView {
	t.Helper()
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	for _, view := range r.store.pageState().Messages {
		if view.ID == wamid {
			return view
		}
	}
	t.Fatalf("the page shows no message %s", wamid)
	return messageView{}
}

func TestSimulator_EditMessage(t *testing.T) {
	t.Parallel()
	t.Run("text", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		id := r.Say(wanjiru, "frist")
		if status, body := r.act(t, "/api/edits", id, "first"); status != http.StatusAccepted {
			t.Fatalf("got %d %s, want 202", status, body)
		}
		r.waitFor(t, idle)
		edits := r.service.batch().Edits
		if len(edits) != 1 || edits[0].WAMID != id || edits[0].Text.Reveal() != "first" {
			t.Errorf("service decodes the edits %v, want one of %s to \"first\"", edits, id)
		}
		if view := r.viewOf(t, id); view.Text != "first" || view.Change != changeEdited {
			t.Errorf("page shows %+v, want the edited text", view)
		}
	})
	t.Run("caption", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		id := r.SendFile(wanjiru, kindImage, "image/png", []byte("a picture"), "before")
		if status, body := r.act(t, "/api/edits", id, "after"); status != http.StatusAccepted {
			t.Fatalf("got %d %s, want 202", status, body)
		}
		r.waitFor(t, idle)
		if edits := r.service.batch().Edits; len(edits) != 1 || edits[0].Text.Reveal() != "after" {
			t.Errorf("service decodes the edits %v, want one to \"after\"", edits)
		}
		if view := r.viewOf(t, id); view.Text != "after" || view.File == nil {
			t.Errorf("page shows %+v, want the file with the edited caption", view)
		}
	})
	t.Run("is_refused", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		now := time.Now()
		r.store.now = func() time.Time { return now }
		text := r.Say(wanjiru, "hello")
		sticker := r.SendFile(wanjiru, kindSticker, "image/webp", []byte("a sticker"), "")
		for name, tt := range map[string]struct{ wamid, text string }{
			"unknown_message": {"wamid.unknown", "x"},
			"sticker":         {sticker, "x"},
			"blank_text":      {text, " \n"},
		} {
			if status, body := r.act(t, "/api/edits", tt.wamid, tt.text); status != http.StatusUnprocessableEntity {
				t.Errorf("%s: got %d %s, want 422", name, status, body)
			}
		}
		r.store.mu.Lock()
		now = now.Add(editWindow + time.Second)
		r.store.mu.Unlock()
		if status, body := r.act(t, "/api/edits", text, "x"); status != http.StatusUnprocessableEntity {
			t.Errorf("edit after the window: got %d %s, want 422", status, body)
		}
	})
}

func TestSimulator_DeleteMessage(t *testing.T) {
	t.Parallel()
	r := newFixture(t, &fakeService{})
	id := r.Say(wanjiru, "a secret")
	answer := r.answer(t, "an answer")
	if status, body := r.act(t, "/api/deletions", id, ""); status != http.StatusAccepted {
		t.Fatalf("got %d %s, want 202", status, body)
	}
	r.waitFor(t, idle)
	if revokes := r.service.batch().Revokes; len(revokes) != 1 || revokes[0].WAMID != id {
		t.Errorf("service decodes the deletions %v, want %s", revokes, id)
	}
	if view := r.viewOf(t, id); view.Text != "" || view.Change != changeDeleted {
		t.Errorf("page shows %+v, want a deleted message without its text", view)
	}
	for name, wamid := range map[string]string{"deleted_twice": id, "message_of_the_service": answer.WAMID} {
		if status, body := r.act(t, "/api/deletions", wamid, ""); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d %s, want 422", name, status, body)
		}
	}
}

func TestSimulator_React(t *testing.T) {
	t.Parallel()
	r := newFixture(t, &fakeService{})
	r.Say(wanjiru, "hello")
	answer := r.answer(t, "an answer")
	for _, emoji := range []string{"👍", ""} {
		if status, body := r.act(t, "/api/reactions", answer.WAMID, emoji); status != http.StatusAccepted {
			t.Fatalf("got %d %s, want 202", status, body)
		}
		r.waitFor(t, idle)
		hooks := r.service.received()
		message := hooks[len(hooks)-1].items["messages"][0]
		reaction, _ := message["reaction"].(map[string]any)
		sent, hasEmoji := reaction["emoji"]
		if message["type"] != "reaction" || reaction["message_id"] != answer.WAMID || hasEmoji != (emoji != "") || hasEmoji && sent != emoji {
			t.Errorf("webhook has the message %v, want the reaction %q to %s", message, emoji, answer.WAMID)
		}
		if view := r.viewOf(t, answer.WAMID); view.Reaction != emoji {
			t.Errorf("page shows the reaction %q, want %q", view.Reaction, emoji)
		}
	}
	if messages := r.service.batch().Messages; len(messages) != 1 {
		t.Errorf("service decodes %d messages that need an answer, want 1: reactions need none", len(messages))
	}
	if status, body := r.act(t, "/api/reactions", "wamid.unknown", "👍"); status != http.StatusUnprocessableEntity {
		t.Errorf("unknown message: got %d %s, want 422", status, body)
	}
}

func TestSimulator_SendReply(t *testing.T) {
	t.Parallel()
	t.Run("names_the_sender_of_the_quoted_message", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		own := r.Say(wanjiru, "hello")
		answer := r.answer(t, "an answer")
		person := r.store.addPerson(wanjiru).UserID
		for quoted, from := range map[string]string{own: "254712345678", answer.WAMID: "254700000000"} {
			status, body := r.post(t, "/api/messages", fmt.Sprintf(`{"person":%q,"text":"see above","quotes":%q}`, person, quoted))
			if status != http.StatusAccepted {
				t.Fatalf("got %d %s, want 202", status, body)
			}
			r.waitFor(t, idle)
			hooks := r.service.received()
			last := hooks[len(hooks)-1]
			quote, _ := last.items["messages"][0]["context"].(map[string]any)
			if quote["from"] != from || quote["id"] != quoted {
				t.Errorf("context is %v, want the message %s of %s", quote, quoted, from)
			}
			if decoded := decoder.Decode(last.body, time.Now()).Messages; len(decoded) != 1 || decoded[0].QuotedWAMID != quoted {
				t.Errorf("service decodes %v, want a reply to %s", decoded, quoted)
			}
		}
		if status, _ := r.post(t, "/api/messages", fmt.Sprintf(`{"person":%q,"text":"x","quotes":"wamid.unknown"}`, person)); status != http.StatusUnprocessableEntity {
			t.Errorf("reply to an unknown message: got %d, want 422", status)
		}
	})
	t.Run("person_without_phone", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		amina := Person{UserID: "KE.42"}
		own := r.Say(amina, "hello")
		if _, err := r.sendReply(amina, own, kindText, object{kindText: object{"body": "again"}}); err != nil {
			t.Fatal(err)
		}
		r.waitFor(t, idle)
		quote, _ := r.service.received()[1].items["messages"][0]["context"].(map[string]any)
		if quote["from"] != "KE.42" {
			t.Errorf("context is %v, want the sender KE.42", quote)
		}
	})
}

func TestSimulator_AnswerFromBusinessPhone(t *testing.T) {
	t.Parallel()
	r := newFixture(t, &fakeService{})
	person := r.store.addPerson(wanjiru).UserID
	status, body := r.post(t, "/api/echoes", fmt.Sprintf(`{"person":%q,"text":"A human here"}`, person))
	if status != http.StatusAccepted {
		t.Fatalf("got %d %s, want 202", status, body)
	}
	ledger := r.waitFor(t, idle)
	id := decode[struct{ ID string }](t, body).ID
	echo := r.service.received()[0].items["message_echoes"][0]
	if echo["id"] != id || echo["from"] != "254700000000" || echo["to"] != "254712345678" || echo["to_user_id"] != person || echo["type"] != "text" {
		t.Errorf("webhook has the echo %v, want a text %s from the business to wanjiru", echo, id)
	}
	batch := r.service.batch()
	if len(batch.Echoes) != 1 || batch.Echoes[0].To.BSUID != person || batch.Len() != 1 {
		t.Errorf("service decodes %+v, want one echo to %s", batch, person)
	}
	if len(ledger.Outbound) != 0 || ledger.Counts.Outbound != 0 {
		t.Errorf("ledger lists %v, want no message: the service sent none", ledger.Outbound)
	}
	if view := r.viewOf(t, id); !view.FromBusinessPhone || view.Direction != "in" || view.Text != "A human here" {
		t.Errorf("page shows %+v, want the text from the business phone", view)
	}
	if status, _ := r.post(t, "/api/echoes", fmt.Sprintf(`{"person":%q,"text":" "}`, person)); status != http.StatusUnprocessableEntity {
		t.Errorf("blank answer: got %d, want 422", status)
	}
}

func TestSimulator_AnswerFromBusinessPhone_EndsTyping(t *testing.T) {
	t.Parallel()
	r := newFixture(t, &fakeService{})
	question := r.Say(wanjiru, "hello")
	r.waitFor(t, idle)
	next := r.readEvents(t)
	next("state", func([]byte) bool { return true })
	status, _ := r.postGraph(t, fmt.Sprintf(`{"messaging_product":"whatsapp","status":"read","message_id":%q,"typing_indicator":{"type":"text"}}`, question))
	if status != http.StatusOK {
		t.Fatalf("start the typing indicator: got status %d, want 200", status)
	}
	next("person", func(data []byte) bool { return !decode[personView](t, data).TypingUntil.IsZero() })
	if _, err := r.answerFromBusinessPhone(wanjiru, "A human here"); err != nil {
		t.Fatalf("answer from the business phone: %v", err)
	}
	next("person", func(data []byte) bool {
		if until := decode[personView](t, data).TypingUntil; !until.IsZero() {
			t.Errorf("the page shows the typing indicator until %v after the answer, want none", until)
		}
		return true
	})
	r.waitFor(t, idle)
}
