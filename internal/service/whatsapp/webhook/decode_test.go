package webhook

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// receivedAt is when decode receives a webhook.
var receivedAt = time.Unix(1767225600, 0)

func decode(body []byte) Batch { return Decode(body, receivedAt) }

// webhook is a body with the given messages and statuses in one change.
func webhook(messages, statuses string) string {
	return fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{
		"messaging_product":"whatsapp","metadata":{"display_phone_number":"254700000000","phone_number_id":"1234567890"},
		"contacts":[{"profile":{"name":"Wanjiru"},"wa_id":"254712345678","user_id":"KE.134912"}],
		"messages":[%s],"statuses":[%s]}}]}]}`, messages, statuses)
}

func TestDecode_Text(t *testing.T) {
	t.Parallel()
	sent := receivedAt.Add(-time.Hour)
	batch := decode([]byte(webhook(fmt.Sprintf(`{"from":"254712345678","id":"wamid.A","timestamp":"%d","type":"text","text":{"body":"Habari"}}`, sent.Unix()), ``)))
	if len(batch.Messages) != 1 || len(batch.Unhandled) != 0 {
		t.Fatalf("got %d messages and %d kept items, want 1 and 0", len(batch.Messages), len(batch.Unhandled))
	}
	m := batch.Messages[0]
	if m.WAMID != "wamid.A" || m.PhoneNumberID != "1234567890" || m.Type != "text" || m.Text.Reveal() != "Habari" ||
		!m.SentAt.Equal(sent) {
		t.Errorf("message read wrong: %+v", m)
	}
	if m.Sender.BSUID != "KE.134912" || m.Sender.WaID.Reveal() != "254712345678" || m.Sender.Name.Reveal() != "Wanjiru" {
		t.Errorf("sender read wrong: user %q, phone %q, name %q", m.Sender.BSUID, m.Sender.WaID.Reveal(), m.Sender.Name.Reveal())
	}
}

func TestDecode_SenderIDs(t *testing.T) {
	t.Parallel()
	const body = `{"entry":[{"changes":[{"field":"messages","value":{"metadata":{"phone_number_id":1},"contacts":%s,"messages":[%s]}}]}]}`
	tests := map[string]struct{ contacts, message, userID, phone string }{
		"by number alone":                   {`null`, `{"id":"w","type":"text","from":"254712345678"}`, "", "254712345678"},
		"by user id alone":                  {`[]`, `{"id":"w","type":"text","from_user_id":"KE.1"}`, "KE.1", ""},
		"by a user id in place of a number": {`[]`, `{"id":"w","type":"text","from":"KE.1"}`, "KE.1", ""},
		"by its own contact of several": {`[{"wa_id":"254700000001","user_id":"KE.1"},{"wa_id":"254700000002","user_id":"KE.2"}]`,
			`{"id":"w","type":"text","from":"254700000002"}`, "KE.2", "254700000002"},
		"by a contact of odd type": {`["x"]`, `{"id":"w","type":"text","from":"254712345678"}`, "", "254712345678"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			batch := decode(fmt.Appendf(nil, body, tt.contacts, tt.message))
			if len(batch.Messages) != 1 {
				t.Fatalf("got %d messages, want 1; kept %v", len(batch.Messages), batch.Unhandled)
			}
			if who := batch.Messages[0].Sender; who.BSUID != tt.userID || who.WaID.Reveal() != tt.phone {
				t.Errorf("got user %q and phone %q, want %q and %q", who.BSUID, who.WaID.Reveal(), tt.userID, tt.phone)
			}
		})
	}
}

func TestDecode_Statuses(t *testing.T) {
	t.Parallel()
	batch := decode([]byte(webhook(``, `{"id":"wamid.O","status":"failed","timestamp":"1767225600","biz_opaque_callback_data":"cb","errors":[{"code":"131047"}]},
		{"id":"wamid.P","status":"played"},{"id":"wamid.Q","status":"deleted"}`)))
	if len(batch.Statuses) != 2 || len(batch.Unhandled) != 1 {
		t.Fatalf("got %d statuses and %d kept items, want 2 and 1", len(batch.Statuses), len(batch.Unhandled))
	}
	if s := batch.Statuses[0]; s.WAMID != "wamid.O" || s.State != StateFailed || s.Callback != "cb" || s.ErrorCode != 131047 {
		t.Errorf("failed status read wrong: %+v", s)
	}
	if s := batch.Statuses[1]; s.State != StateRead {
		t.Errorf("played is %q, want read", s.State)
	}
}

func TestDecode_Unreadable(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing":            ``,
		"no JSON":            `<html>`,
		"a list":             `[]`,
		"no entries":         `{"entry":[]}`,
		"an odd entry":       `{"entry":[7]}`,
		"an odd change":      `{"entry":[{"changes":["x"]}]}`,
		"another field":      `{"entry":[{"changes":[{"field":"account_update","value":{"event":"X"}}]}]}`,
		"a value of nothing": `{"entry":[{"changes":[{"field":"messages","value":null}]}]}`,
		"system errors":      `{"entry":[{"changes":[{"field":"messages","value":{"errors":[{"code":131000}]}}]}]}`,
		"too deep a nesting": strings.Repeat(`{"entry":[`, 20_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			batch := decode([]byte(body))
			if len(batch.Messages)+len(batch.Statuses) != 0 || len(batch.Unhandled) != 1 {
				t.Fatalf("got %+v, want one kept item", batch)
			}
		})
	}
}

func TestDecode_BrokenItem(t *testing.T) {
	t.Parallel()
	batch := decode([]byte(webhook(`{"from":"254712345678","id":"wamid.A","type":"text","text":{"body":"1"}}, "broken",
		{"from":"254712345678","id":"wamid.B","type":"text","text":{"body":"2"}}`, `17, {"id":"wamid.O","status":"sent"}`)))
	if len(batch.Messages) != 2 || len(batch.Statuses) != 1 || len(batch.Unhandled) != 2 {
		t.Fatalf("got %d messages, %d statuses, %d kept; want 2, 1, 2", len(batch.Messages), len(batch.Statuses), len(batch.Unhandled))
	}
}

// Of two members with the same name the last one counts, and nothing of the first
// one is mixed into it.
func TestDecode_RepeatedName(t *testing.T) {
	t.Parallel()
	const (
		metadata = `"metadata":{"phone_number_id":"1"}`
		first    = `{"from":"254711000001","from_user_id":"KE.1","id":"wamid.1","timestamp":"1767225600","type":"text","text":{"body":"secret"}}`
		second   = `{"from":"254711000002","id":"wamid.2","timestamp":"1767225600","type":"text"}`
		want     = `text of 254711000002: ""`
	)
	for name, tt := range map[string]struct{ entries, want string }{
		"messages":               {`[{"changes":[{"field":"messages","value":{` + metadata + `,"messages":[` + first + `],"messages":[` + second + `]}}]}]`, want},
		"messages_in_other_case": {`[{"changes":[{"field":"messages","value":{` + metadata + `,"messages":[` + first + `],"Messages":[` + second + `]}}]}]`, want},
		"messages_with_escape":   {`[{"changes":[{"field":"messages","value":{` + metadata + `,"messages":[` + first + `],"m\u0065ssages":[` + second + `]}}]}]`, want},
		"contacts": {`[{"changes":[{"field":"messages","value":{` + metadata + `,"contacts":[{"wa_id":"254711000002","user_id":"KE.1"}],"contacts":[{"wa_id":"254711000002"}],"messages":[` + second + `]}}]}]`,
			want},
		"statuses": {`[{"changes":[{"field":"messages","value":{"statuses":[{"id":"w","status":"failed","errors":[{"code":1}]}],"statuses":[{"id":"x","status":"failed"}]}}]}]`,
			`status failed of x `},
		"value":   {`[{"changes":[{"field":"messages","value":{"messages":[` + first + `]},"value":{` + metadata + `,"messages":[` + second + `]}}]}]`, want},
		"changes": {`[{"changes":[{"field":"messages","value":{"messages":[` + first + `]}}],"changes":[{"field":"messages","value":{` + metadata + `,"messages":[` + second + `]}}]}]`, want},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := describe(decode(fmt.Appendf(nil, `{"entry":%s}`, tt.entries))); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	t.Run("entry", func(t *testing.T) {
		t.Parallel()
		const entry = `"entry":[{"changes":[{"field":"messages","value":{` + metadata + `,"messages":[%s]}}]}]`
		if got := describe(decode(fmt.Appendf(nil, `{`+entry+`,`+entry+`}`, first, second))); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// FuzzDecode looks for a body that makes Decode panic, lose an item without a
// trace, or let through what PostgreSQL cannot store.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(webhook(`{"from":"254712345678","id":"wamid.A","type":"text","text":{"body":"x"}}`, `{"id":"wamid.O","status":"sent"}`)))
	f.Add([]byte(`{"entry":[{"changes":[{"field":"messages","value":{"messages":[{"id":1,"from":"KE.1"}]}}]}]}`))
	f.Add([]byte(webhook(`{"from":"254712345678","id":"wamid.E","type":"edit","edit":{"original_message_id":"wamid.A","message":{"type":"text","text":{"body":"y"}}}}`, ``)))
	f.Add([]byte(webhook(`{"from":"2547\u00e4","from_user_id":"KE.1","id":"wamid.I","type":"image","image":{"id":1,"caption":"\\"x"}}`, ``)))
	f.Add([]byte(`{"entry":[{"changes":[{"field":"messages","value":{"messages":[{"id":1,"from":"KE.1"}],"Messages":[{"id":2}]}}]}]}`))
	f.Add([]byte(`{"entry":[{"changes":[{"field":"history","value":{}}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		batch := decode(body)
		if batch.Len() == 0 {
			t.Fatal("nothing was kept of the body")
		}
		for _, m := range batch.Messages {
			if m.WAMID == "" || m.PhoneNumberID == "" || m.Sender.BSUID == "" && m.Sender.WaID.IsZero() {
				t.Fatalf("incomplete message: %+v", m)
			}
			if strings.Contains(m.WAMID+m.PhoneNumberID+m.Type+m.Text.Reveal()+m.Sender.Name.Reveal(), "\x00") {
				t.Fatal("NUL was let through")
			}
		}
	})
}
