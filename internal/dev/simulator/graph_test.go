package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const messagesPath = "/v25.0/" + testNumber + "/messages"

// postGraph calls the Graph API with the valid token.
func (r fixture) postGraph(t *testing.T, body string) (int, []byte) {
	t.Helper()
	return r.post(t, messagesPath, body, "Authorization", "Bearer "+testToken)
}

func TestGraphMessages(t *testing.T) {
	t.Parallel()
	t.Run("rejects_invalid_requests", func(t *testing.T) {
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
			{name: "no_token", path: messagesPath, body: textRequest(to, "x"), status: 401, code: 190},
			{name: "wrong_token", path: messagesPath, body: textRequest(to, "x"), headers: []string{"Authorization", "Bearer other"}, status: 401, code: 190},
			{name: "another_number", path: "/v25.0/999/messages", body: textRequest(to, "x"), headers: auth, status: 400, code: 100},
			{name: "not_JSON", path: messagesPath, body: `{"messaging_product":`, headers: auth, status: 400, code: 100},
			{name: "content_type_not_JSON", path: messagesPath, body: textRequest(to, "x"), headers: append([]string{"Content-Type", "text/plain"}, auth...), status: 400, code: 100},
			{name: "no_product", path: messagesPath, body: `{"to":"254712345678"}`, headers: auth, status: 400, code: 100},
			{name: "wrong_product", path: messagesPath, body: `{"messaging_product":"sms"}`, headers: auth, status: 400, code: 131009},
			{name: "no_recipient", path: messagesPath, body: textRequest(`"x":1`, "x"), headers: auth, status: 400, code: 131008},
			{name: "invalid_phone_number", path: messagesPath, body: textRequest(`"to":"Wanjiru"`, "x"), headers: auth, status: 400, code: 131009},
			{name: "invalid_user_id", path: messagesPath, body: textRequest(`"recipient":"254712345678"`, "x"), headers: auth, status: 400, code: 131009},
			{name: "empty_body", path: messagesPath, body: textRequest(to, ""), headers: auth, status: 400, code: 131008},
			{name: "body_too_long", path: messagesPath, body: textRequest(to, long), headers: auth, status: 400, code: 100},
			{name: "body_too_long_in_UTF16", path: messagesPath, body: textRequest(to, strings.Repeat("😀", 2049)), headers: auth, status: 400, code: 100},
			{name: "another_type", path: messagesPath, body: `{"messaging_product":"whatsapp","to":"254712345678","type":"image"}`, headers: auth, status: 400, code: 131009},
			{name: "read_unknown_message", path: messagesPath, body: `{"messaging_product":"whatsapp","status":"read","message_id":"wamid.X"}`, headers: auth, status: 400, code: 131009},
			{name: "read_without_an_id", path: messagesPath, body: `{"messaging_product":"whatsapp","status":"read"}`, headers: auth, status: 400, code: 131008},
			{name: "another_status", path: messagesPath, body: `{"messaging_product":"whatsapp","status":"seen","message_id":"wamid.X"}`, headers: auth, status: 400, code: 131009},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				r := newFixture(t, &fakeService{})
				status, body := r.post(t, test.path, test.body, test.headers...)
				failure := decode[struct {
					Error struct {
						Message, Type string
						Code          int
						FBTraceID     string `json:"fbtrace_id"`
					}
				}](t, body).Error
				if status != test.status || failure.Code != test.code || failure.Type != "OAuthException" || failure.Message == "" || failure.FBTraceID == "" {
					t.Errorf("got status %d %s, want %d with code %d", status, body, test.status, test.code)
				}
				if l := r.Ledger(); l.Counts.GraphErrors != 1 || l.Counts.Outbound != 0 || l.Counts.ReadCalls != 0 {
					t.Errorf("counts are %+v, want one Graph error, no message and no read call", l.Counts)
				}
			})
		}
	})
	t.Run("marks_message_and_earlier_ones_as_read", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		r.Say(wanjiru, "first")
		second := r.Say(wanjiru, "second")
		r.Say(wanjiru, "third")
		status, body := r.postGraph(t, fmt.Sprintf(`{"messaging_product":"whatsapp","status":"read","message_id":%q,"typing_indicator":{"type":"text"}}`, second))
		if status != http.StatusOK || string(body) != `{"success":true}` {
			t.Fatalf("got status %d %s, want 200 with success", status, body)
		}
		ledger := r.waitFor(t, idle)
		for _, in := range ledger.Inbound {
			if read := !in.ReadAt.IsZero(); read != (in.Text != "third") {
				t.Errorf("message %q: read is %t, want %t", in.Text, read, !read)
			}
		}
		if len(ledger.ReadCalls) != 1 || !ledger.ReadCalls[0].Typing || ledger.ReadCalls[0].WAMID != second {
			t.Errorf("read calls are %+v, want one for %s with typing", ledger.ReadCalls, second)
		}
	})
}
