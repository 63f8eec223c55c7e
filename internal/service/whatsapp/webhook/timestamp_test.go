package webhook

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Meta has dropped what is older than its retries. What cannot be read as a time
// counts as now.
func TestDecode_Timestamp(t *testing.T) {
	t.Parallel()
	at := func(offset time.Duration) string { return fmt.Sprintf(`"%d"`, receivedAt.Add(offset).Unix()) }
	const old, future = "older than Meta's retries", "dated in the future"
	tests := map[string]struct {
		timestamp string
		sentAt    time.Time // of the message
		reason    string    // of the unhandled item; empty: a message
	}{
		"now":                         {at(0), receivedAt, ""},
		"number":                      {fmt.Sprint(receivedAt.Unix() - 60), receivedAt.Add(-time.Minute), ""},
		"oldest_retry":                {at(-RetryPeriod - ClockSkew), receivedAt.Add(-RetryPeriod - ClockSkew), ""},
		"a_second_too_old":            {at(-RetryPeriod - ClockSkew - time.Second), time.Time{}, old},
		"clock_is_ahead":              {at(ClockSkew), receivedAt.Add(ClockSkew), ""},
		"a_second_too_far_ahead":      {at(ClockSkew + time.Second), time.Time{}, future},
		"sample_of_2017":              {`"1504902988"`, time.Time{}, old},
		"forty_days_ago":              {at(-40 * 24 * time.Hour), time.Time{}, old},
		"forty_days_ahead":            {at(40 * 24 * time.Hour), time.Time{}, future},
		"zero":                        {`"0"`, time.Time{}, old},
		"zero_as_a_number":            {`0`, time.Time{}, old},
		"negative":                    {`-5`, time.Time{}, old},
		"milliseconds":                {`1767225600000`, time.Time{}, future},
		"beyond_the_year_9999":        {`"99999999999999"`, time.Time{}, future},
		"beyond_64_bits":              {`"99999999999999999999999"`, time.Time{}, future},
		"negative_beyond_64_bits":     {`"-99999999999999999999999"`, time.Time{}, old},
		"words":                       {`"yesterday"`, receivedAt, ""},
		"null":                        {`null`, receivedAt, ""},
		"empty":                       {`""`, receivedAt, ""},
		"object":                      {`{}`, receivedAt, ""},
		"number_too_large_for_a_type": {`1e400`, receivedAt, ""},
		"fraction":                    {`1767225000.75`, time.Unix(1767225000, 0), ""},
		"fraction_in_a_string":        {`"1767225000.25"`, time.Unix(1767225000, 0), ""},
		"exponent":                    {`1.767225e9`, time.Unix(1767225000, 0), ""},
		"exponent_in_upper_case":      {`"1.767225E+9"`, time.Unix(1767225000, 0), ""},
		"old_fraction":                {`1504902988.5`, time.Time{}, old},
		"negative_fraction":           {`-5.5`, time.Time{}, old},
		"exponent_beyond_64_bits":     {`1e300`, time.Time{}, future},
		"infinity":                    {`"Inf"`, receivedAt, ""},
		"hexadecimal":                 {`"0x69550000p0"`, receivedAt, ""},
		"two_dots":                    {`"1767225000.0.0"`, receivedAt, ""},
	}
	items := map[string]struct{ body, kind string }{
		"message":    {webhook(`{"from":"254712345678","id":"w","type":"text","text":{"body":"x"},"timestamp":%s}`, ``), "a message "},
		"system":     {webhook(`{"from":"254712345678","id":"w","type":"system","system":{"type":"user_changed_number","wa_id":"254700000001"},"timestamp":%s}`, ``), "a system message "},
		"echo":       {`{"entry":[{"changes":[{"field":"smb_message_echoes","value":{"message_echoes":[{"to":"254712345678","id":"w","timestamp":%s}]}}]}]}`, "an echo "},
		"preference": {`{"entry":[{"changes":[{"field":"user_preferences","value":{"user_preferences":[{"wa_id":"254712345678","value":"stop","timestamp":%s}]}}]}]}`, "a preference "},
	}
	for name, tt := range tests {
		for kind, item := range items {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				batch := decode(fmt.Appendf(nil, item.body, tt.timestamp))
				if tt.reason == "" {
					if batch.Len() != 1 || len(batch.Unhandled) != 0 {
						t.Fatalf("got %s, want one handled item", describe(batch))
					}
				} else if batch.Len() != 1 || len(batch.Unhandled) != 1 {
					t.Fatalf("got %s, want one unhandled item", describe(batch))
				}
				for _, u := range batch.Unhandled {
					if got, want := u.Reason, item.kind+tt.reason; got != want {
						t.Errorf("got reason %q, want %q", got, want)
					}
					if len(u.Raw) == 0 {
						t.Error("got no raw bytes, want those of the item")
					}
				}
				for _, m := range batch.Messages {
					if !m.SentAt.Equal(tt.sentAt) {
						t.Errorf("got SentAt %v, want %v", m.SentAt, tt.sentAt)
					}
				}
				for _, e := range batch.Echoes {
					if !e.SentAt.Equal(tt.sentAt) {
						t.Errorf("got SentAt %v, want %v", e.SentAt, tt.sentAt)
					}
				}
			})
		}
	}
}

// Every copy of a message has the same hour, even without a readable timestamp.
func TestDecode_SentHour(t *testing.T) {
	t.Parallel()
	for timestamp, want := range map[string]string{
		`"1767225600"`: "2026-01-01 00", `1767225599`: "2025-12-31 23", `"1767229200"`: "2026-01-01 01",
		`""`: "1970-01-01 00", `"1767225600.5"`: "2026-01-01 00", `1.7672256e9`: "2026-01-01 00", `"yesterday"`: "1970-01-01 00", `null`: "1970-01-01 00", `1e400`: "1970-01-01 00",
	} {
		for _, later := range []time.Duration{0, 3 * time.Hour} {
			body := webhook(`{"from":"254712345678","id":"w","type":"text","timestamp":`+timestamp+`}`, ``)
			batch := Decode([]byte(body), receivedAt.Add(later))
			if len(batch.Messages) != 1 || batch.Messages[0].SentHour.Format("2006-01-02 15") != want {
				t.Errorf("%s: got %+v, want %s", timestamp, batch.Messages, want)
			}
		}
	}
}

// An edit or a revocation only affects a message that was taken itself.
func TestDecode_TimestampOfChange(t *testing.T) {
	t.Parallel()
	got := describe(decode([]byte(webhook(
		`{"from":"254712345678","id":"w","timestamp":"1","type":"revoke","revoke":{"original_message_id":"wamid.O"}},
		{"from":"254712345678","id":"w","timestamp":"1","type":"edit","edit":{"original_message_id":"wamid.O","message":{"type":"text","text":{"body":"y"}}}}`, ``))))
	if want := `edit wamid.O: "y"; revoke wamid.O`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDecode_TimeOfEdit(t *testing.T) {
	t.Parallel()
	for timestamp, want := range map[string]time.Time{
		`"1767225000"`: time.Unix(1767225000, 0), `null`: receivedAt, `"1504902988"`: {}, `"99999999999999"`: {},
	} {
		batch := decode([]byte(webhook(
			`{"from":"254712345678","id":"w","timestamp":`+timestamp+`,"type":"edit","edit":{"original_message_id":"wamid.O","message":{"type":"text","text":{"body":"y"}}}}`, ``)))
		if len(batch.Edits) != 1 {
			t.Errorf("%s: got %s, want one edit", timestamp, describe(batch))
			continue
		}
		if got := batch.Edits[0]; !got.EditedAt.Equal(want) || got.PhoneNumberID != "1234567890" {
			t.Errorf("%s: got an edit at %v of number %s, want %v of number 1234567890", timestamp, got.EditedAt, got.PhoneNumberID, want)
		}
	}
}

func TestDecode_TimestampOfStatus(t *testing.T) {
	t.Parallel()
	for _, timestamp := range []string{`"0"`, `"1504902988"`, `"99999999999999"`, `null`} {
		batch := decode([]byte(webhook(``, `{"id":"wamid.O","status":"read","timestamp":`+timestamp+`}`)))
		if len(batch.Statuses) != 1 || len(batch.Unhandled) != 0 {
			t.Errorf("%s: got %s, want one status", timestamp, describe(batch))
		}
	}
}

// The Test button of Meta's App Dashboard sends from a number that belongs to
// nobody.
func TestDecode_TestButton(t *testing.T) {
	t.Parallel()
	const change = `{"field":%q,"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"16505551111","phone_number_id":"123456123"},
		"contacts":[{"profile":{"name":"test user name"},"wa_id":"16315551181"}],%s}}`
	for name, tt := range map[string]struct{ field, items string }{
		"as_it_is": {"messages", `"messages":[{"from":"16315551181","id":"ABGGFlA5Fpa","timestamp":"1504902988","type":"text","text":{"body":"this is a text message"}}]`},
		"of_today": {"messages", `"messages":[{"from":"16315551181","id":"ABGGFlA5Fpa","timestamp":"1767225600","type":"text","text":{"body":"this is a text message"}}]`},
		"status":   {"messages", `"statuses":[{"id":"wamid.O","status":"sent"}]`},
		"echo":     {"smb_message_echoes", `"message_echoes":[{"to":"16315551181","id":"w"}]`},
		"stop":     {"user_preferences", `"user_preferences":[{"wa_id":"16315551181","value":"stop"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := fmt.Sprintf(change, tt.field, tt.items)
			got := decode([]byte(`{"object":"whatsapp_business_account","entry":[{"id":"0","changes":[` + raw + `]}]}`))
			want := Batch{Unhandled: []UnhandledItem{{
				Field:  tt.field,
				Reason: "a sample from the Test button of Meta's App Dashboard",
				Raw:    []byte(raw),
			}}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
