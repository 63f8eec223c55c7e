package graphapi

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

// capturePost returns a client of an API that accepts everything, and a buffer
// with the body of the latest request. It checks the rest of each request.
func capturePost(t *testing.T) (*Client, *bytes.Buffer) {
	t.Helper()
	body := new(bytes.Buffer)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		const path = "/v25.0/" + testPhoneNumberID + "/messages"
		if r.Method != http.MethodPost || r.URL.Path != path || r.URL.RawQuery != "" {
			t.Errorf("request = %s %s, want POST %s", r.Method, r.URL, path)
		}
		if got, want := r.Header.Get("Authorization"), "Bearer "+testToken; got != want {
			t.Errorf("Authorization = %q, want %q", got, want)
		}
		if got, want := r.Header.Get("Content-Type"), "application/json"; got != want {
			t.Errorf("Content-Type = %q, want %q", got, want)
		}
		body.Reset()
		_, _ = body.ReadFrom(r.Body)
		_, _ = io.WriteString(w, acceptedBody)
	})
	return newTestClient(server.URL + "/"), body
}

func TestClient_Send_RequestBody(t *testing.T) {
	t.Parallel()
	const (
		head = `{"messaging_product":"whatsapp","recipient_type":"individual",`
		text = `"type":"text","text":{"preview_url":false,"body":"Karibu! You are on the list."}`
		tail = `,"biz_opaque_callback_data":"outbox-1"}`
	)
	tests := map[string]struct {
		change func(*whatsapp.OutgoingMessage)
		want   string
	}{
		"to_phone_number": {
			change: func(*whatsapp.OutgoingMessage) {},
			want:   head + `"to":"254712345678",` + text + tail,
		},
		"to_phone_number_with_plus": {
			change: func(m *whatsapp.OutgoingMessage) { m.To.WaID = sensitive.NewPhone("+" + testPhone) },
			want:   head + `"to":"254712345678",` + text + tail,
		},
		"quotes_a_message": {
			change: func(m *whatsapp.OutgoingMessage) { m.QuotedWAMID = "wamid.IN" },
			want:   head + `"to":"254712345678",` + text + `,"context":{"message_id":"wamid.IN"}` + tail,
		},
		"to_bsuid_without_callback": {
			change: func(m *whatsapp.OutgoingMessage) { m.To.WaID, m.Callback = sensitive.Phone{}, "" },
			want:   head + `"recipient":"KE.13491208655302741918",` + text + `}`,
		},
		"bsuid_in_place_of_the_phone_number": {
			change: func(m *whatsapp.OutgoingMessage) { m.To.WaID = sensitive.NewPhone(testBSUID) },
			want:   head + `"recipient":"KE.13491208655302741918",` + text + tail,
		},
		"with_a_button": {
			change: func(m *whatsapp.OutgoingMessage) { m.Button = "Join" },
			want: head + `"to":"254712345678","type":"interactive",` +
				`"interactive":{"type":"button","body":{"text":"Karibu! You are on the list."},"action":{"buttons":[{"type":"reply","reply":{"id":"reply","title":"Join"}}]}}` + tail,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, body := capturePost(t)
			m := newMessage()
			tt.change(&m)
			wamid, err := c.Send(t.Context(), m)
			if err != nil || wamid != "wamid.OUT" {
				t.Fatalf("Send = %q, %v, want wamid.OUT", wamid, err)
			}
			if body.String() != tt.want {
				t.Errorf("body = %s\nwant   %s", body, tt.want)
			}
		})
	}
}

func TestClient_MarkRead_RequestBody(t *testing.T) {
	t.Parallel()
	c, body := capturePost(t)
	if err := c.MarkRead(t.Context(), testPhoneNumberID, "wamid.IN"); err != nil {
		t.Fatalf("error = %v, want none", err)
	}
	const want = `{"messaging_product":"whatsapp","status":"read","message_id":"wamid.IN","typing_indicator":{"type":"text"}}`
	if body.String() != want {
		t.Errorf("body = %s\nwant   %s", body, want)
	}
}

func TestClient_Send_SpecialCharactersArriveUnchanged(t *testing.T) {
	t.Parallel()
	m := newMessage()
	const want = "<b>&\u2028\"'\\ \U0001F600\n\x00</b>"
	m.Body = sensitive.NewText(want)
	var got struct{ Text struct{ Body string } }
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Errorf("request body cannot be decoded: %v", err)
		}
		_, _ = io.WriteString(w, acceptedBody)
	})
	if _, err := newTestClient(server.URL).Send(t.Context(), m); err != nil {
		t.Errorf("error = %v, want none", err)
	}
	if got.Text.Body != want {
		t.Errorf("text = %q, want %q", got.Text.Body, want)
	}
}

func TestClient_Send_NoRecipient(t *testing.T) {
	t.Parallel()
	m := newMessage()
	m.To = webhook.Identity{Name: sensitive.NewText("Wanjiru")}
	_, err := newTestClient("http://127.0.0.1:1").Send(t.Context(), m)
	if refusal := asRefusal(t, err); refusal.Reaction != whatsapp.GiveUp {
		t.Errorf("refusal = %+v, want reaction GiveUp", refusal)
	}
}
