package simulator

import (
	"net/http"
	"strings"
	"testing"
)

func menu(body, buttons string) string {
	return `{"messaging_product":"whatsapp","to":"254712345678","type":"interactive","interactive":{"type":"button","body":{"text":"` +
		body + `"},"action":{"buttons":[` + buttons + `]}}}`
}

const joinButton = `{"type":"reply","reply":{"id":"join","title":"Join"}}`

func TestAButtonThatIsPressedComesBackAsAReply(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	r.Say(wanjiru, "hello")
	if status, body := r.graph(t, menu("Would you like to?", joinButton)); status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}
	out := r.wait(t, quiet).SentTo(wanjiru)
	if len(out) != 1 || out[0].Body != "Would you like to?" || len(out[0].Buttons) != 1 || out[0].Buttons[0].Title != "Join" {
		t.Fatalf("ledger has %+v", out)
	}
	if _, ok := r.Press(wanjiru, out[0].WAMID, "leave"); ok {
		t.Error("a button that is not there was pressed")
	}
	if _, ok := r.Press(wanjiru, out[0].WAMID, "join"); !ok {
		t.Fatal("the button cannot be pressed")
	}
	inbound := r.wait(t, quiet).Inbound
	if last := inbound[len(inbound)-1]; last.Kind != "interactive" || last.Text != "Join" {
		t.Errorf("ledger has %+v", last)
	}
}

func TestGraphRefusesButtonsThatMetaRefuses(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	for name, body := range map[string]string{
		"no buttons":   menu("x", ""),
		"four buttons": menu("x", strings.Repeat(joinButton+",", 3)+joinButton),
		"no text":      menu("", joinButton),
		"a long text":  menu(strings.Repeat("x", 1025), joinButton),
		"a long title": menu("x", strings.Replace(joinButton, "Join", strings.Repeat("x", 21), 1)),
		"no id":        menu("x", strings.Replace(joinButton, `"join"`, `""`, 1)),
		"another kind": strings.Replace(menu("x", joinButton), `"type":"button"`, `"type":"list"`, 1),
	} {
		if status, _ := r.graph(t, body); status != http.StatusBadRequest {
			t.Errorf("%s: status %d", name, status)
		}
	}
}
