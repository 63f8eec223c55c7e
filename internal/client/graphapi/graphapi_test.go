package graphapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

const (
	token  = "EAAGhunter2token"
	phone  = "254712345678"
	userID = "KE.13491208655302741918"
	words  = "Karibu! You are on the list."
)

// message is one to a person with both a number and a user id.
func message() whatsapp.Outgoing {
	return whatsapp.Outgoing{
		PhoneNumberID: "1234567890",
		To:            whatsapp.Identity{Phone: sensitive.NewPhone(phone), UserID: userID, Name: sensitive.NewText("Wanjiru")},
		Body:          sensitive.NewText(words),
		Callback:      "outbox-1",
	}
}

func client(url string) *Client {
	return New(Options{
		Token: sensitive.NewSecret(token), BaseURL: url, Version: "v25.0", Timeout: 30 * time.Second,
		Log: slog.New(slog.DiscardHandler),
	})
}

// serve runs a handler in place of the Graph API.
func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// says is an API that always answers alike.
func says(t *testing.T, status int, body string) *Client {
	t.Helper()
	return client(serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}).URL)
}

func refusal(t *testing.T, err error) *whatsapp.Refusal {
	t.Helper()
	var r *whatsapp.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("got %v, want a Refusal", err)
	}
	return r
}

func isUncertain(err error) bool {
	var u *whatsapp.Uncertain
	return errors.As(err, &u)
}

const taken = `{"messaging_product":"whatsapp","contacts":[{"input":"254712345678","wa_id":"254712345678"}],"messages":[{"id":"wamid.OUT","message_status":"accepted"}]}`

func TestWhatGoesOverTheWire(t *testing.T) {
	t.Parallel()
	withReply, byUserID, plus, badPhone, withButton := message(), message(), message(), message(), message()
	withButton.Button = "Join"
	withReply.ReplyTo = "wamid.IN"
	byUserID.To.Phone, byUserID.Callback = sensitive.Phone{}, ""
	plus.To.Phone = sensitive.NewPhone("+" + phone)
	badPhone.To.Phone = sensitive.NewPhone(userID)
	const text = `"type":"text","text":{"preview_url":false,"body":"Karibu! You are on the list."}`

	for name, test := range map[string]struct {
		call func(c *Client) error
		want string
	}{
		"by number": {send(message()), `{"messaging_product":"whatsapp","recipient_type":"individual","to":"254712345678",` + text + `,"biz_opaque_callback_data":"outbox-1"}`},
		"with plus": {send(plus), `{"messaging_product":"whatsapp","recipient_type":"individual","to":"254712345678",` + text + `,"biz_opaque_callback_data":"outbox-1"}`},
		"as a reply": {send(withReply), `{"messaging_product":"whatsapp","recipient_type":"individual","to":"254712345678",` + text +
			`,"context":{"message_id":"wamid.IN"},"biz_opaque_callback_data":"outbox-1"}`},
		"by user id":              {send(byUserID), `{"messaging_product":"whatsapp","recipient_type":"individual","recipient":"KE.13491208655302741918",` + text + `}`},
		"never a user id as a to": {send(badPhone), `{"messaging_product":"whatsapp","recipient_type":"individual","recipient":"KE.13491208655302741918",` + text + `,"biz_opaque_callback_data":"outbox-1"}`},
		"with a button": {send(withButton), `{"messaging_product":"whatsapp","recipient_type":"individual","to":"254712345678","type":"interactive",` +
			`"interactive":{"type":"button","body":{"text":"Karibu! You are on the list."},"action":{"buttons":[{"type":"reply","reply":{"id":"reply","title":"Join"}}]}}` +
			`,"biz_opaque_callback_data":"outbox-1"}`},
		"read": {func(c *Client) error { return c.MarkRead(t.Context(), "1234567890", "wamid.IN") },
			`{"messaging_product":"whatsapp","status":"read","message_id":"wamid.IN","typing_indicator":{"type":"text"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.URL.Path != "/v25.0/1234567890/messages" || r.URL.RawQuery != "" {
					t.Errorf("got %s %s", r.Method, r.URL)
				}
				if r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("Content-Type") != "application/json" {
					t.Errorf("got %v", r.Header)
				}
				_, _ = got.ReadFrom(r.Body)
				_, _ = io.WriteString(w, taken)
			})
			if err := test.call(client(server.URL + "/")); err != nil {
				t.Fatal(err)
			}
			if got.String() != test.want {
				t.Errorf("got  %s\nwant %s", got.String(), test.want)
			}
		})
	}
}

func send(m whatsapp.Outgoing) func(*Client) error {
	return func(c *Client) error {
		wamid, err := c.Send(context.Background(), m)
		if err == nil && wamid != "wamid.OUT" {
			return errors.New("got the wamid " + wamid)
		}
		return err
	}
}

func TestAMessageToNobodyIsGivenUpUnsent(t *testing.T) {
	t.Parallel()
	m := message()
	m.To = whatsapp.Identity{Name: sensitive.NewText("Wanjiru")}
	_, err := client("http://127.0.0.1:1").Send(t.Context(), m)
	if r := refusal(t, err); r.Reaction != whatsapp.GiveUp {
		t.Errorf("got %+v", r)
	}
}

func TestAnAddressThatIsNoneIsARefusal(t *testing.T) {
	t.Parallel()
	_, err := client("http://%zz").Send(t.Context(), message())
	if r := refusal(t, err); r.Reaction != whatsapp.WaitAll {
		t.Errorf("got %+v", r)
	}
}

func TestEscapedTextArrivesAsItWas(t *testing.T) {
	t.Parallel()
	m := message()
	const body = "<b>&\u2028\"'\\ \U0001F600\n\x00</b>"
	m.Body = sensitive.NewText(body)
	var got struct{ Text struct{ Body string } }
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, taken)
	})
	if _, err := client(server.URL).Send(t.Context(), m); err != nil || got.Text.Body != body {
		t.Errorf("got %q, %v", got.Text.Body, err)
	}
}

func TestAMessageThatIsHeldBackIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := says(t, 200, strings.Replace(taken, `"accepted"`, `"held_for_quality_assessment"`, 1))
	c.options.Log = slog.New(slog.NewJSONHandler(&log, nil))
	if wamid, err := c.Send(t.Context(), message()); wamid != "wamid.OUT" || err != nil {
		t.Errorf("got %q, %v", wamid, err)
	}
	if !strings.Contains(log.String(), "held_for_quality_assessment") || strings.Contains(log.String(), phone) {
		t.Errorf("logged %s", log.String())
	}
}
