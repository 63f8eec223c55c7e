package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestSimulator_Say(t *testing.T) {
	t.Parallel()
	t.Run("delivers_signed_webhook", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		const text = `Habari äö 😀 a/b "quoted"`
		id := r.Say(wanjiru, text)
		ledger := r.waitFor(t, idle)

		hook := r.service.received()[0]
		mac := hmac.New(sha256.New, []byte("secret"))
		mac.Write(hook.body)
		if want, got := "sha256="+hex.EncodeToString(mac.Sum(nil)), hook.header.Get("X-Hub-Signature-256"); got != want {
			t.Errorf("signature is %q, want %q", got, want)
		}
		if got := hook.header.Get("Content-Type"); got != "application/json" {
			t.Errorf("content type is %q, want application/json", got)
		}
		if got := hook.header.Get("User-Agent"); got != "facebookexternalua" {
			t.Errorf("user agent is %q, want facebookexternalua", got)
		}
		message := hook.items["messages"][0]
		if message["id"] != id || message["from"] != "254712345678" || message["type"] != "text" {
			t.Errorf("message is %v, want the text %s of 254712345678", message, id)
		}
		if body, _ := message["text"].(map[string]any); body["body"] != text {
			t.Errorf("text is %v, want %q", message["text"], text)
		}
		if in := ledger.Inbound[0]; in.AcknowledgedAt.IsZero() || in.Attempts != 1 || in.Text != text {
			t.Errorf("ledger has %+v, want the text acknowledged after one attempt", in)
		}
	})
	t.Run("messages_of_one_person_arrive_in_order", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		const messages = 40
		for i := range messages {
			r.Say(wanjiru, fmt.Sprint(i))
		}
		r.waitFor(t, idle)
		for i, hook := range r.service.received() {
			body, _ := hook.items["messages"][0]["text"].(map[string]any)
			if body["body"] != fmt.Sprint(i) {
				t.Fatalf("webhook %d has message %v, want message %d", i, body["body"], i)
			}
		}
	})
	t.Run("rejected_message_does_not_delay_the_next", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{respond: func(_ int, hook receivedWebhook) int {
			if strings.Contains(string(hook.body), "reject this") {
				return http.StatusServiceUnavailable
			}
			return http.StatusOK
		}})
		rejected := r.Say(wanjiru, "reject this")
		accepted := r.Say(wanjiru, "accept this")
		ledger := r.waitFor(t, func(l Ledger) bool { return l.Counts.Acknowledged == 1 })
		for _, in := range ledger.Inbound {
			if acknowledged := !in.AcknowledgedAt.IsZero(); acknowledged != (in.WAMID == accepted) || acknowledged == (in.WAMID == rejected) {
				t.Errorf("message %q: acknowledged is %t, want %t", in.Text, acknowledged, !acknowledged)
			}
		}
	})
	t.Run("person_without_phone_has_user_id_only", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		r.Say(Person{UserID: "KE.42", Name: "Amina"}, "hello")
		r.waitFor(t, idle)
		items := r.service.received()[0].items
		if _, has := items["messages"][0]["from"]; has || items["messages"][0]["from_user_id"] != "KE.42" {
			t.Errorf("message is %v, want user id KE.42 and no phone number", items["messages"][0])
		}
		if _, has := items["contacts"][0]["wa_id"]; has || items["contacts"][0]["user_id"] != "KE.42" {
			t.Errorf("contact is %v, want user id KE.42 and no wa_id", items["contacts"][0])
		}
	})
}

func TestSimulator_Send(t *testing.T) {
	t.Parallel()
	tests := map[string]map[string]any{
		"image":    {"image": map[string]any{"id": "M1", "mime_type": "image/jpeg", "caption": "my shop"}},
		"location": {"location": map[string]any{"latitude": -1.28, "longitude": 36.82}},
		"reaction": {"reaction": map[string]any{"message_id": "wamid.P", "emoji": "👍"}},
		"sticker":  {"sticker": map[string]any{"id": "M2"}, "context": map[string]any{"id": "wamid.P"}},
	}
	for kind, content := range tests {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newFixture(t, &fakeService{})
			r.Send(wanjiru, kind, content)
			r.waitFor(t, idle)
			message := r.service.received()[0].items["messages"][0]
			for key, want := range content {
				if fmt.Sprint(message[key]) != fmt.Sprint(want) {
					t.Errorf("%s is %v, want %v", key, message[key], want)
				}
			}
			if message["type"] != kind {
				t.Errorf("type is %v, want %s", message["type"], kind)
			}
		})
	}
}
