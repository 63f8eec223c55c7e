package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// textRequest is the body of a call that sends a text. Recipient is a JSON member
// such as "to":"2547…".
func textRequest(recipient, body string) string {
	return fmt.Sprintf(`{"messaging_product":"whatsapp","recipient_type":"individual",%s,"type":"text","text":{"body":%q},"context":{"message_id":"wamid.IN"},"biz_opaque_callback_data":"part-1"}`, recipient, body)
}

type graphSendResponse struct {
	Contacts []struct{ Input string } `json:"contacts"`
	Messages []struct{ ID string }    `json:"messages"`
}

// setClock sets the simulator's clock to a time and stops it.
func (r fixture) setClock(at time.Time) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.now = func() time.Time { return at }
}

func TestGraphSend(t *testing.T) {
	t.Parallel()
	t.Run("accepts_text_and_sends_statuses", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		r.Say(wanjiru, "hello")
		r.waitFor(t, idle)
		status, body := r.postGraph(t, textRequest(`"to":"254712345678"`, "Hello *Wanjiru*"))
		if status != http.StatusOK {
			t.Fatalf("got status %d, want 200: %s", status, body)
		}
		response := decode[graphSendResponse](t, body)
		ledger := r.waitFor(t, idle)

		out := ledger.SentTo(wanjiru)
		if len(out) != 1 || out[0].WAMID != response.Messages[0].ID || out[0].Body != "Hello *Wanjiru*" || out[0].Callback != "part-1" ||
			out[0].ContextID != "wamid.IN" || out[0].To != "254712345678" || out[0].Status != StatusRead {
			t.Errorf("ledger has %+v, want one read message as it was sent", out)
		}
		for i, want := range []string{"sent", "delivered", "read"} {
			got := r.service.statuses()[i]
			if got["status"] != want || got["id"] != response.Messages[0].ID || got["biz_opaque_callback_data"] != "part-1" || got["recipient_id"] != "254712345678" {
				t.Errorf("status %d is %v, want %s", i, got, want)
			}
		}
	})
	t.Run("next_status_waits_for_the_previous", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{respond: func(attempt int, hook receivedWebhook) int {
			if len(hook.items["statuses"]) > 0 && attempt%2 == 0 {
				return http.StatusServiceUnavailable
			}
			return http.StatusOK
		}})
		r.Say(wanjiru, "hello")
		r.waitFor(t, idle)
		r.postGraph(t, textRequest(`"to":"254712345678"`, "hi"))
		r.waitFor(t, idle)
		var names []string
		for _, status := range r.service.statuses() {
			names = append(names, fmt.Sprint(status["status"]))
		}
		if got, want := strings.Join(names, " "), "sent sent delivered delivered read read"; got != want {
			t.Errorf("statuses are %q, want %q", got, want)
		}
	})
	t.Run("same_text_twice_is_two_messages", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		r.Say(wanjiru, "hello")
		for range 2 {
			r.postGraph(t, textRequest(`"to":"254712345678"`, "once or twice"))
		}
		if ledger := r.waitFor(t, idle); len(ledger.SentTo(wanjiru)) != 2 {
			t.Errorf("the person got %d messages, want 2", len(ledger.SentTo(wanjiru)))
		}
	})
	t.Run("user_id_is_delivered_by_recipient_and_lost_by_to", func(t *testing.T) {
		t.Parallel()
		for member, want := range map[string]Status{"recipient": StatusRead, "to": StatusLost} {
			t.Run(member, func(t *testing.T) {
				t.Parallel()
				r := newFixture(t, &fakeService{})
				amina := Person{UserID: "KE.42"}
				r.Say(amina, "hello")
				status, body := r.postGraph(t, textRequest(fmt.Sprintf(`"%s":"KE.42"`, member), "hi"))
				if status != http.StatusOK || decode[graphSendResponse](t, body).Messages[0].ID == "" {
					t.Fatalf("got status %d, want 200: %s", status, body)
				}
				ledger := r.waitFor(t, idle)
				if sent := ledger.SentTo(amina); len(sent) != 1 || sent[0].Status != want {
					t.Errorf("ledger has %+v, want one message with status %s", sent, want)
				}
				if received := len(r.service.statuses()) > 0; received != (want == StatusRead) {
					t.Errorf("statuses are %v, want some: %t", r.service.statuses(), want == StatusRead)
				}
			})
		}
	})
	t.Run("message_outside_the_window_fails", func(t *testing.T) {
		t.Parallel()
		tests := []struct {
			name  string
			since time.Duration // since the person's last message; negative if there is none
			want  Status
		}{
			{name: "inside", since: 24*time.Hour - time.Minute, want: StatusRead},
			{name: "outside", since: 24 * time.Hour, want: StatusFailed},
			{name: "no_inbound_message", since: -1, want: StatusRead},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				r := newFixture(t, &fakeService{})
				start := time.Now()
				r.setClock(start)
				if test.since >= 0 {
					r.Say(wanjiru, "hello")
				}
				r.waitFor(t, idle)
				r.setClock(start.Add(test.since))
				if status, body := r.postGraph(t, textRequest(`"to":"254712345678"`, "hi")); status != http.StatusOK {
					t.Fatalf("got status %d, want 200: %s", status, body)
				}
				out := r.waitFor(t, idle).SentTo(wanjiru)[0]
				if out.Status != test.want {
					t.Fatalf("status is %s, want %s", out.Status, test.want)
				}
				if test.want == StatusFailed {
					status := r.service.statuses()[0]
					if out.ErrorCode != 131047 || !strings.Contains(fmt.Sprint(status["errors"]), "131047") || status["status"] != "failed" {
						t.Errorf("status webhook has %v and the ledger %+v, want status failed with error 131047 in both", status, out)
					}
				}
			})
		}
	})
	t.Run("accepts_longest_body", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		r.Say(wanjiru, "hello")
		if status, body := r.postGraph(t, textRequest(`"to":"254712345678"`, strings.Repeat("😀", 2048))); status != http.StatusOK {
			t.Errorf("got status %d, want 200: %s", status, body)
		}
	})
}
