package simulator

import (
	"net/http"
	"strings"
	"testing"
)

func interactiveRequest(body, buttons string) string {
	return `{"messaging_product":"whatsapp","to":"254712345678","type":"interactive","interactive":{"type":"button","body":{"text":"` +
		body + `"},"action":{"buttons":[` + buttons + `]}}}`
}

const joinButton = `{"type":"reply","reply":{"id":"join","title":"Join"}}`

func TestSimulator_PressButton(t *testing.T) {
	t.Parallel()
	r := newFixture(t, &fakeService{})
	r.Say(wanjiru, "hello")
	if status, body := r.postGraph(t, interactiveRequest("Would you like to?", joinButton)); status != http.StatusOK {
		t.Fatalf("got status %d, want 200: %s", status, body)
	}
	out := r.waitFor(t, idle).SentTo(wanjiru)
	if len(out) != 1 || out[0].Body != "Would you like to?" || len(out[0].Buttons) != 1 || out[0].Buttons[0].Title != "Join" {
		t.Fatalf("ledger has %+v, want one message with the button Join", out)
	}
	if _, ok := r.PressButton(wanjiru, out[0].WAMID, "leave"); ok {
		t.Error("PressButton succeeded for an unknown button")
	}
	if _, ok := r.PressButton(wanjiru, out[0].WAMID, "join"); !ok {
		t.Fatal("PressButton failed for a button of the message")
	}
	inbound := r.waitFor(t, idle).Inbound
	if last := inbound[len(inbound)-1]; last.Kind != "interactive" || last.Text != "Join" {
		t.Errorf("last inbound message is %+v, want an interactive reply with the text Join", last)
	}
}

func TestGraphInteractive_Validate(t *testing.T) {
	t.Parallel()
	r := newFixture(t, &fakeService{})
	for name, body := range map[string]string{
		"no_buttons":   interactiveRequest("x", ""),
		"four_buttons": interactiveRequest("x", strings.Repeat(joinButton+",", 3)+joinButton),
		"no_text":      interactiveRequest("", joinButton),
		"a_long_text":  interactiveRequest(strings.Repeat("x", 1025), joinButton),
		"a_long_title": interactiveRequest("x", strings.Replace(joinButton, "Join", strings.Repeat("x", 21), 1)),
		"no_id":        interactiveRequest("x", strings.Replace(joinButton, `"join"`, `""`, 1)),
		"another_kind": strings.Replace(interactiveRequest("x", joinButton), `"type":"button"`, `"type":"list"`, 1),
	} {
		if status, _ := r.postGraph(t, body); status != http.StatusBadRequest {
			t.Errorf("%s: got status %d, want 400", name, status)
		}
	}
}
