package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestSayDeliversASignedWebhook(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	const text = `Habari äö 😀 a/b "quoted"`
	id := r.Say(wanjiru, text)
	ledger := r.wait(t, quiet)

	hook := r.service.received()[0]
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write(hook.body)
	if want, got := "sha256="+hex.EncodeToString(mac.Sum(nil)), hook.header.Get("X-Hub-Signature-256"); got != want {
		t.Errorf("signature %q, want %q", got, want)
	}
	if got := hook.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type %q", got)
	}
	if got := hook.header.Get("User-Agent"); got != "facebookexternalua" {
		t.Errorf("user agent %q", got)
	}
	message := hook.items["messages"][0]
	if message["id"] != id || message["from"] != "254712345678" || message["type"] != "text" {
		t.Errorf("message is %v", message)
	}
	if body, _ := message["text"].(map[string]any); body["body"] != text {
		t.Errorf("text is %v", message["text"])
	}
	if in := ledger.Inbound[0]; in.AcknowledgedAt.IsZero() || in.Attempts != 1 || in.Text != text {
		t.Errorf("ledger has %+v", in)
	}
}

func TestWebhookIsASCIIWithEscapedSlashes(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		`{"a":"plain"}`: `{"a":"plain"}`,
		`{"a":"ä"}`:     `{"a":"\u00e4"}`,
		`{"a":"😀"}`:     `{"a":"\ud83d\ude00"}`,
		`{"a":"b/c"}`:   `{"a":"b\/c"}`,
		`{"a":"\\/"}`:   `{"a":"\\\/"}`,
	} {
		if got := string(escape([]byte(given))); got != want {
			t.Errorf("%s became %s, want %s", given, got, want)
		}
	}
}

func TestWebhookIsRetriedUntil200(t *testing.T) {
	t.Parallel()
	for _, refusal := range []int{201, 204, 302, 403, 500, 503} {
		t.Run(http.StatusText(refusal), func(t *testing.T) {
			t.Parallel()
			r := run(t, &fakeService{answer: func(attempt int, _ webhook) int {
				if attempt < 5 {
					return refusal
				}
				return http.StatusOK
			}})
			r.Say(wanjiru, "again and again")
			ledger := r.wait(t, quiet)
			if in := ledger.Inbound[0]; in.Attempts != 5 || in.AcknowledgedAt.IsZero() {
				t.Errorf("%d attempts, acknowledged at %v", in.Attempts, in.AcknowledgedAt)
			}
			hooks := r.service.received()
			if string(hooks[0].body) != string(hooks[4].body) {
				t.Error("the retry is not the same webhook")
			}
		})
	}
}

func TestRetryFollowsTheServiceToAnotherAddress(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	r.SetWebhookURL("http://127.0.0.1:1/nobody")
	r.Say(wanjiru, "are you there?")
	r.wait(t, func(l Ledger) bool { return l.Counts.WebhookAttempts >= 2 })

	another := httptest.NewServer(r.service)
	t.Cleanup(another.Close)
	r.SetWebhookURL(another.URL)
	if ledger := r.wait(t, quiet); ledger.Counts.Acknowledged != 1 {
		t.Errorf("counts are %+v", ledger.Counts)
	}
}

func TestMessagesOfOnePersonArriveInTheOrderWritten(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	const messages = 40
	for i := range messages {
		r.Say(wanjiru, fmt.Sprint(i))
	}
	r.wait(t, quiet)
	for i, hook := range r.service.received() {
		body, _ := hook.items["messages"][0]["text"].(map[string]any)
		if body["body"] != fmt.Sprint(i) {
			t.Fatalf("webhook %d tells of message %v", i, body["body"])
		}
	}
}

func TestRefusedMessageDoesNotHoldUpTheNext(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{answer: func(_ int, hook webhook) int {
		if strings.Contains(string(hook.body), "refuse this") {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}})
	refused := r.Say(wanjiru, "refuse this")
	taken := r.Say(wanjiru, "take this")
	ledger := r.wait(t, func(l Ledger) bool { return l.Counts.Acknowledged == 1 })
	for _, in := range ledger.Inbound {
		if acknowledged := !in.AcknowledgedAt.IsZero(); acknowledged != (in.WAMID == taken) || acknowledged == (in.WAMID == refused) {
			t.Errorf("%q acknowledged: %t", in.Text, acknowledged)
		}
	}
}

func TestSendCarriesOtherKindsOfMessages(t *testing.T) {
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
			r := run(t, &fakeService{})
			r.Send(wanjiru, kind, content)
			r.wait(t, quiet)
			message := r.service.received()[0].items["messages"][0]
			for key, want := range content {
				if fmt.Sprint(message[key]) != fmt.Sprint(want) {
					t.Errorf("%s is %v, want %v", key, message[key], want)
				}
			}
			if message["type"] != kind {
				t.Errorf("type is %v", message["type"])
			}
		})
	}
}

func TestPersonWithoutANumberIsNamedByUserIDAlone(t *testing.T) {
	t.Parallel()
	r := run(t, &fakeService{})
	r.Say(Person{UserID: "KE.42", Name: "Amina"}, "hello")
	r.wait(t, quiet)
	items := r.service.received()[0].items
	if _, has := items["messages"][0]["from"]; has || items["messages"][0]["from_user_id"] != "KE.42" {
		t.Errorf("message is %v", items["messages"][0])
	}
	if _, has := items["contacts"][0]["wa_id"]; has || items["contacts"][0]["user_id"] != "KE.42" {
		t.Errorf("contact is %v", items["contacts"][0])
	}
}

func TestVerifyAcceptsOnlyTheChallenge(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer http.HandlerFunc // nil: the service of the other tests
		fails  bool
	}{
		{name: "challenge"},
		{name: "another text", answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }, fails: true},
		{name: "refusal", answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, fails: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, &fakeService{})
			if test.answer != nil {
				other := httptest.NewServer(test.answer)
				t.Cleanup(other.Close)
				r.SetWebhookURL(other.URL)
			}
			if err := r.Verify(t.Context()); (err != nil) != test.fails {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestRetryPausesGrowToTheCap(t *testing.T) {
	t.Parallel()
	timing := Timing{RetryCap: 8 * time.Second}
	if first := timing.retryPause(1); first != 0 {
		t.Errorf("the first retry comes after %v, not at once", first)
	}
	for attempt := 2; attempt < 20; attempt++ {
		before, now := timing.retryPause(attempt-1), timing.retryPause(attempt)
		if now < before || now > timing.RetryCap {
			t.Errorf("pause %d is %v after %v", attempt, now, before)
		}
	}
	if longest := timing.retryPause(1000); longest != timing.RetryCap {
		t.Errorf("longest pause is %v", longest)
	}
}
