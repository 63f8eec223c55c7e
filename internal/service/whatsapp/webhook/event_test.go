package webhook

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/sensitive"
)

func TestDecode_Echo(t *testing.T) {
	t.Parallel()
	amina := Identity{WaID: sensitive.NewPhone("254712345678")}
	for name, tt := range map[string]struct {
		echo string
		want Echo
	}{
		"text": {`"id":"wamid.E","timestamp":"1767225000","type":"text","text":{"body":"hi"}`,
			Echo{To: amina, WAMID: "wamid.E", Text: sensitive.NewText("hi"), SentAt: time.Unix(1767225000, 0)}},
		"button": {`"id":"wamid.E","timestamp":1767225000,"type":"interactive","interactive":{"type":"button","body":{"text":"Join?"}}`,
			Echo{To: amina, WAMID: "wamid.E", Text: sensitive.NewText("Join?"), SentAt: time.Unix(1767225000, 0)}},
		"picture":       {`"id":"wamid.E","type":"image","image":{"id":"M"}`, Echo{To: amina, WAMID: "wamid.E", SentAt: receivedAt}},
		"nothing_known": {`"x":1`, Echo{To: amina, SentAt: receivedAt}},
		"odd_members":   {`"id":{},"timestamp":[],"text":"hi"`, Echo{To: amina, SentAt: receivedAt}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := decode(fmt.Appendf(nil, `{"entry":[{"changes":[{"field":"smb_message_echoes","value":{"message_echoes":[{"from":"254700000000","to":"254712345678",%s}]}}]}]}`, tt.echo))
			tt.want.Raw = fmt.Appendf(nil, `{"from":"254700000000","to":"254712345678",%s}`, tt.echo)
			if diff := cmp.Diff(Batch{Echoes: []Echo{tt.want}}, got, cmp.Comparer(equalPhones), cmp.Comparer(equalTexts)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDecode_Preference(t *testing.T) {
	t.Parallel()
	for timestamp, want := range map[string]time.Time{
		`1767225000`: time.Unix(1767225000, 0), `"1767225000"`: time.Unix(1767225000, 0), `1767225000.5`: time.Unix(1767225000, 0),
		`null`: receivedAt, `"soon"`: receivedAt, `""`: receivedAt, `{}`: receivedAt,
	} {
		for value, optOut := range map[string]bool{"stop": true, "STOP": true, "Stop": true, "resume": false, "Resume": false} {
			raw := fmt.Sprintf(`{"wa_id":"254712345678","value":%q,"timestamp":%s}`, value, timestamp)
			batch := decode(fmt.Appendf(nil, `{"entry":[{"changes":[{"field":"user_preferences","value":{"user_preferences":[%s]}}]}]}`, raw))
			if !optOut && want.Equal(receivedAt) { // a repeated webhook would undo a newer stop
				want := Batch{Unhandled: []UnhandledItem{{Field: "user_preferences", Reason: "a choice to resume messages without a time", Raw: []byte(raw)}}}
				if diff := cmp.Diff(want, batch); diff != "" {
					t.Errorf("%s %s: (-want +got)\n%s", value, timestamp, diff)
				}
				continue
			}
			if len(batch.Preferences) != 1 {
				t.Errorf("%s %s: got %s, want one preference", value, timestamp, describe(batch))
				continue
			}
			got := batch.Preferences[0]
			if !got.At.Equal(want) || got.OptOut != optOut {
				t.Errorf("%s %s: got OptOut %v at %v, want %v at %v", value, timestamp, got.OptOut, got.At, optOut, want)
			}
			if string(got.Raw) != raw {
				t.Errorf("%s %s: got the raw item %s, want %s", value, timestamp, got.Raw, raw)
			}
		}
	}
}

// WhatsApp delivers some messages without their content.
func TestDecode_Unavailable(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ message, want string }{
		"unavailable":              {`"type":"unsupported","errors":[{"code":131060,"title":"This message is unavailable"}]`, TypeUnavailable},
		"code_as_string":           {`"type":"unsupported","errors":[{"code":"131060"}]`, TypeUnavailable},
		"second_error":             {`"type":"unsupported","errors":[{"code":131051},{"code":131060}]`, TypeUnavailable},
		"old_form":                 {`"type":"unknown","errors":[{"code":131060}]`, TypeUnavailable},
		"unsupported":              {`"type":"unsupported","errors":[{"code":131051}]`, "unsupported"},
		"no_errors":                {`"type":"unsupported"`, "unsupported"},
		"errors_of_odd_type":       {`"type":"unsupported","errors":"131060"`, "unsupported"},
		"text_with_the_error":      {`"type":"text","text":{"body":"x"},"errors":[{"code":131060}]`, "text"},
		"code_of_an_error_is_null": {`"type":"unsupported","errors":[{"code":null}]`, "unsupported"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			batch := decode([]byte(webhook(`{"from":"254712345678","id":"wamid.A",`+tt.message+`}`, ``)))
			if len(batch.Messages) != 1 {
				t.Fatalf("got %s, want one message", describe(batch))
			}
			if got := batch.Messages[0].Type; got != tt.want {
				t.Errorf("got type %q, want %q", got, tt.want)
			}
		})
	}
}

func equalPhones(a, b sensitive.Phone) bool { return a == b }
func equalTexts(a, b sensitive.Text) bool   { return a == b }
