package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const messagesPath = "/v25.0/" + testNumber + "/messages"

// graph calls the Graph API with the right token.
func (r running) graph(t *testing.T, body string) (int, []byte) {
	t.Helper()
	return r.post(t, messagesPath, body, "Authorization", "Bearer "+testToken)
}

// textTo is a send of a text; the addressee is a member such as "to":"2547…".
func textTo(addressee, body string) string {
	return fmt.Sprintf(`{"messaging_product":"whatsapp","recipient_type":"individual",%s,"type":"text","text":{"body":%q},"context":{"message_id":"wamid.IN"},"biz_opaque_callback_data":"part-1"}`, addressee, body)
}

type sendAnswer struct {
	Contacts []struct{ Input string } `json:"contacts"`
	Messages []struct{ ID string }    `json:"messages"`
}

func TestGraphAcceptsATextAndTellsHowFarItCame(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	r.Say(wanjiru, "hello")
	r.wait(t, quiet)
	status, body := r.graph(t, textTo(`"to":"254712345678"`, "Hello *Wanjiru*"))
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}
	answer := decode[sendAnswer](t, body)
	ledger := r.wait(t, quiet)

	out := ledger.SentTo(wanjiru)
	if len(out) != 1 || out[0].WAMID != answer.Messages[0].ID || out[0].Body != "Hello *Wanjiru*" || out[0].Callback != "part-1" ||
		out[0].ContextID != "wamid.IN" || out[0].To != "254712345678" || out[0].State != Read {
		t.Errorf("ledger has %+v", out)
	}
	for i, want := range []string{"sent", "delivered", "read"} {
		got := r.service.statuses()[i]
		if got["status"] != want || got["id"] != answer.Messages[0].ID || got["biz_opaque_callback_data"] != "part-1" || got["recipient_id"] != "254712345678" {
			t.Errorf("status %d is %v, want %s", i, got, want)
		}
	}
}

func TestGraphStatusIsRetriedBeforeTheNextIsTold(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{answer: func(attempt int, hook webhook) int {
		if len(hook.items["statuses"]) > 0 && attempt%2 == 0 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}})
	r.Say(wanjiru, "hello")
	r.wait(t, quiet)
	r.graph(t, textTo(`"to":"254712345678"`, "hi"))
	r.wait(t, quiet)
	var told []string
	for _, status := range r.service.statuses() {
		told = append(told, fmt.Sprint(status["status"]))
	}
	if got, want := strings.Join(told, " "), "sent sent delivered delivered read read"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestGraphSendsTheSameTwice(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	r.Say(wanjiru, "hello")
	for range 2 {
		r.graph(t, textTo(`"to":"254712345678"`, "once or twice"))
	}
	if ledger := r.wait(t, quiet); len(ledger.SentTo(wanjiru)) != 2 {
		t.Errorf("the phone has %d messages, want one for each call", len(ledger.SentTo(wanjiru)))
	}
}

func TestGraphDeliversByRecipientAndLosesAUserIDInTo(t *testing.T) {
	t.Parallel()
	for member, want := range map[string]State{"recipient": Read, "to": Lost} {
		t.Run(member, func(t *testing.T) {
			t.Parallel()
			r := run(t, &fakeService{})
			amina := Person{UserID: "KE.42"}
			r.Say(amina, "hello")
			status, body := r.graph(t, textTo(fmt.Sprintf(`"%s":"KE.42"`, member), "hi"))
			if status != http.StatusOK || decode[sendAnswer](t, body).Messages[0].ID == "" {
				t.Fatalf("status %d: %s", status, body)
			}
			ledger := r.wait(t, quiet)
			if sent := ledger.SentTo(amina); len(sent) != 1 || sent[0].State != want {
				t.Errorf("ledger has %+v", sent)
			}
			if told := len(r.service.statuses()) > 0; told != (want == Read) {
				t.Errorf("statuses: %v", r.service.statuses())
			}
		})
	}
}

func TestGraphFailsAMessageOutsideTheWindow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		quiet time.Duration // since the person wrote; negative: they never did
		want  State
	}{
		{"inside", 24*time.Hour - time.Minute, Read},
		{"outside", 24 * time.Hour, Failed},
		{"never wrote through us", -1, Read},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, &fakeService{})
			start := time.Now()
			r.setClock(start)
			if test.quiet >= 0 {
				r.Say(wanjiru, "hello")
			}
			r.wait(t, quiet)
			r.setClock(start.Add(test.quiet))
			if status, body := r.graph(t, textTo(`"to":"254712345678"`, "hi")); status != http.StatusOK {
				t.Fatalf("status %d: %s", status, body)
			}
			out := r.wait(t, quiet).SentTo(wanjiru)[0]
			if out.State != test.want {
				t.Fatalf("state is %s, want %s", out.State, test.want)
			}
			if test.want == Failed {
				status := r.service.statuses()[0]
				if out.ErrorCode != 131047 || !strings.Contains(fmt.Sprint(status["errors"]), "131047") || status["status"] != "failed" {
					t.Errorf("told %v, ledger has %+v", status, out)
				}
			}
		})
	}
}

// setClock stops the simulator's clock at a time.
func (r running) setClock(at time.Time) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.now = func() time.Time { return at }
}

func TestGraphRefusesAsMetaDoes(t *testing.T) {
	t.Parallel()
	auth := []string{"Authorization", "Bearer " + testToken}
	long := strings.Repeat("x", 4097)
	const to = `"to":"254712345678"`
	tests := []struct {
		name       string
		path, body string
		headers    []string
		status     int
		code       int
	}{
		{"no token", messagesPath, textTo(to, "x"), nil, 401, 190},
		{"wrong token", messagesPath, textTo(to, "x"), []string{"Authorization", "Bearer other"}, 401, 190},
		{"another number", "/v25.0/999/messages", textTo(to, "x"), auth, 400, 100},
		{"not JSON", messagesPath, `{"messaging_product":`, auth, 400, 100},
		{"not declared as JSON", messagesPath, textTo(to, "x"), append([]string{"Content-Type", "text/plain"}, auth...), 400, 100},
		{"no product", messagesPath, `{"to":"254712345678"}`, auth, 400, 100},
		{"wrong product", messagesPath, `{"messaging_product":"sms"}`, auth, 400, 131009},
		{"nobody", messagesPath, textTo(`"x":1`, "x"), auth, 400, 131008},
		{"no phone number", messagesPath, textTo(`"to":"Wanjiru"`, "x"), auth, 400, 131009},
		{"no user id", messagesPath, textTo(`"recipient":"254712345678"`, "x"), auth, 400, 131009},
		{"empty body", messagesPath, textTo(to, ""), auth, 400, 131008},
		{"body too long", messagesPath, textTo(to, long), auth, 400, 100},
		{"body too long in UTF-16", messagesPath, textTo(to, strings.Repeat("😀", 2049)), auth, 400, 100},
		{"another type", messagesPath, `{"messaging_product":"whatsapp","to":"254712345678","type":"image"}`, auth, 400, 131009},
		{"read what nobody sent", messagesPath, `{"messaging_product":"whatsapp","status":"read","message_id":"wamid.X"}`, auth, 400, 131009},
		{"read without an id", messagesPath, `{"messaging_product":"whatsapp","status":"read"}`, auth, 400, 131008},
		{"another status", messagesPath, `{"messaging_product":"whatsapp","status":"seen","message_id":"wamid.X"}`, auth, 400, 131009},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, &fakeService{})
			status, body := r.post(t, test.path, test.body, test.headers...)
			failure := decode[struct {
				Error struct {
					Message, Type string
					Code          int
					FBTraceID     string `json:"fbtrace_id"`
				}
			}](t, body).Error
			if status != test.status || failure.Code != test.code || failure.Type != "OAuthException" || failure.Message == "" || failure.FBTraceID == "" {
				t.Errorf("status %d: %s", status, body)
			}
			if l := r.Ledger(); l.Counts.GraphRefused != 1 || l.Counts.Outbound != 0 || l.Counts.ReadCalls != 0 {
				t.Errorf("counts are %+v", l.Counts)
			}
		})
	}
}

func TestGraphTakesTheLongestBody(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	r.Say(wanjiru, "hello")
	if status, body := r.graph(t, textTo(`"to":"254712345678"`, strings.Repeat("😀", 2048))); status != http.StatusOK {
		t.Errorf("status %d: %s", status, body)
	}
}

func TestGraphMarksAMessageAndThoseBeforeItAsRead(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	r.Say(wanjiru, "first")
	second := r.Say(wanjiru, "second")
	r.Say(wanjiru, "third")
	status, body := r.graph(t, fmt.Sprintf(`{"messaging_product":"whatsapp","status":"read","message_id":%q,"typing_indicator":{"type":"text"}}`, second))
	if status != http.StatusOK || string(body) != `{"success":true}` {
		t.Fatalf("status %d: %s", status, body)
	}
	ledger := r.wait(t, quiet)
	for _, in := range ledger.Inbound {
		if read := !in.ReadAt.IsZero(); read != (in.Text != "third") {
			t.Errorf("%s read: %t", in.Text, read)
		}
	}
	if len(ledger.ReadCalls) != 1 || !ledger.ReadCalls[0].Typing || ledger.ReadCalls[0].WAMID != second {
		t.Errorf("ledger has %+v", ledger.ReadCalls)
	}
}
