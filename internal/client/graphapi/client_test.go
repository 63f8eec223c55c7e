package graphapi

import (
	"bytes"
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
	"aisha/internal/service/whatsapp/webhook"
)

const (
	testToken         = "EAAGhunter2token"
	testPhone         = "254712345678"
	testBSUID         = "KE.13491208655302741918"
	testBody          = "Karibu! You are on the list."
	testPhoneNumberID = "1234567890"
)

// acceptedBody is a response to a send that the Graph API accepted.
const acceptedBody = `{"messaging_product":"whatsapp","contacts":[{"input":"254712345678","wa_id":"254712345678"}],"messages":[{"id":"wamid.OUT","message_status":"accepted"}]}`

// newMessage returns a message to a person with both a phone number and a bsuid.
func newMessage() whatsapp.OutgoingMessage {
	return whatsapp.OutgoingMessage{
		PhoneNumberID: testPhoneNumberID,
		To: webhook.Identity{
			BSUID: testBSUID,
			WaID:  sensitive.NewPhone(testPhone),
			Name:  sensitive.NewText("Wanjiru"),
		},
		Body:     sensitive.NewText(testBody),
		Callback: "outbox-1",
	}
}

func newTestClient(url string) *Client {
	return New(Options{
		Token:   sensitive.NewSecret(testToken),
		BaseURL: url,
		Version: "v25.0",
		Timeout: 30 * time.Second,
		Log:     slog.New(slog.DiscardHandler),
	})
}

// serve runs a handler in place of the Graph API.
func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// newClientOf returns a client of an API that sends the same response always.
func newClientOf(t *testing.T, status int, body string) *Client {
	t.Helper()
	return newTestClient(serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}).URL)
}

// asRefusal returns the Refusal in err and fails the test where there is none.
func asRefusal(t *testing.T, err error) *whatsapp.Refusal {
	t.Helper()
	var refusal *whatsapp.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("error = %v, want a Refusal", err)
	}
	return refusal
}

func isUnknownOutcome(err error) bool {
	var unknown *whatsapp.UnknownOutcome
	return errors.As(err, &unknown)
}

// checkNothingPrivate fails the test where err has the token, our phone number
// id, or anything of newMessage.
func checkNothingPrivate(t *testing.T, err error) {
	t.Helper()
	for _, private := range []string{testToken, testPhone, testBSUID, testBody, "Bearer", testPhoneNumberID} {
		if strings.Contains(err.Error(), private) {
			t.Errorf("error = %q, want it without %q", err, private)
		}
	}
}

func TestClient_Send_DelayedMessageIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := newClientOf(t, 200, strings.Replace(acceptedBody, `"accepted"`, `"held_for_quality_assessment"`, 1))
	c.options.Log = slog.New(slog.NewJSONHandler(&log, nil))
	if wamid, err := c.Send(t.Context(), newMessage()); wamid != "wamid.OUT" || err != nil {
		t.Errorf("Send = %q, %v, want wamid.OUT", wamid, err)
	}
	if !strings.Contains(log.String(), "held_for_quality_assessment") {
		t.Errorf("log = %s, want the message status", log.String())
	}
	if strings.Contains(log.String(), testPhone) {
		t.Errorf("log = %s, want it without the phone number", log.String())
	}
}

func TestClient_MarkRead(t *testing.T) {
	t.Parallel()
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		c := newClientOf(t, 400, `{"error":{"code":131009,"message":"no such message"}}`)
		refusal := asRefusal(t, c.MarkRead(t.Context(), "1", "wamid.IN"))
		if refusal.Code != 131009 {
			t.Errorf("code = %d, want 131009", refusal.Code)
		}
	})
	t.Run("success", func(t *testing.T) {
		t.Parallel()
		if err := newClientOf(t, 200, `{"success":true}`).MarkRead(t.Context(), "1", "wamid.IN"); err != nil {
			t.Errorf("error = %v, want none", err)
		}
	})
}
