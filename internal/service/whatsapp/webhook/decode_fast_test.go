package webhook

import (
	"fmt"
	"testing"
)

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

// An edit or a revocation names its sender as a message does.
func TestDecode_SenderOfChange(t *testing.T) {
	t.Parallel()
	const contactA = `{"profile":{"name":"A"},"wa_id":"254711000001","user_id":"KE.1"}`
	for name, tt := range map[string]struct{ contacts, from, want string }{
		"number":              {``, `"from":"254711000001",`, "/254711000001"},
		"user_id":             {``, `"from_user_id":"KE.1",`, "KE.1/"},
		"number_and_contact":  {contactA, `"from":"254711000001",`, "KE.1/254711000001"},
		"contact_of_another":  {contactA, `"from":"254711000002",`, "/254711000002"},
		"nobody_one_contact":  {contactA, ``, "KE.1/254711000001"},
		"nobody_two_contacts": {contactA + `,{"wa_id":"254711000002"}`, ``, "/"},
	} {
		for kind, change := range map[string]string{
			"edit":   `"type":"edit","edit":{"original_message_id":"wamid.O","message":{"type":"text","text":{"body":"y"}}}`,
			"revoke": `"type":"revoke","revoke":{"original_message_id":"wamid.O"}`,
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				batch := decode(fmt.Appendf(nil, `{"entry":[{"changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"1"},"contacts":[%s],"messages":[{%s"id":"w",%s}]}}]}]}`,
					tt.contacts, tt.from, change))
				var got []string
				for _, e := range batch.Edits {
					got = append(got, e.Sender.BSUID+"/"+e.Sender.WaID.Reveal())
				}
				for _, r := range batch.Revokes {
					got = append(got, r.Sender.BSUID+"/"+r.Sender.WaID.Reveal())
				}
				if len(got) != 1 || got[0] != tt.want {
					t.Errorf("senders: got %q, want %q", got, tt.want)
				}
			})
		}
	}
}
