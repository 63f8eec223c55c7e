package graphapi

import (
	"encoding/json"
	"testing"

	"aisha/internal/service/whatsapp"
)

// oddValues replace members of responses.
var oddValues = []string{`null`, `true`, `false`, `0`, `-1`, `1.5`, `1e400`, `""`, `"x"`, `"131026"`, `[]`, `[null]`, `{}`, `{"code":190}`}

// replaceMember returns the JSON text of object with a member set to a value.
func replaceMember(t *testing.T, object map[string]any, member, value string) string {
	t.Helper()
	changed := map[string]any{}
	for k, v := range object {
		changed[k] = v
	}
	changed[member] = json.RawMessage(value)
	raw, err := json.Marshal(changed)
	if err != nil {
		t.Fatalf("encode the response: %v", err)
	}
	return string(raw)
}

func TestClient_Send_AcceptedWithOddMembers(t *testing.T) {
	t.Parallel()
	message := map[string]any{"id": "wamid.OUT", "message_status": "accepted"}
	body := map[string]any{
		"messaging_product": "whatsapp",
		"contacts":          []any{map[string]any{"input": "254712345678", "wa_id": "254712345678"}},
		"messages":          []any{message},
	}
	bodies := map[string]string{
		"id_is_a_number":          `{"messages":[{"id":12345}]}`,
		"messages_is_an_object":   `{"messages":{"id":"wamid.OUT"}}`,
		"first_message_is_null":   `{"messages":[null,{"id":"wamid.OUT"}]}`,
		"error_is_null":           `{"error":null,"messages":[{"id":"wamid.OUT"}]}`,
		"error_is_a_string":       `{"error":"none","messages":[{"id":"wamid.OUT"}]}`,
		"error_without_a_code":    `{"error":{"code":null},"messages":[{"id":"wamid.OUT"}]}`,
		"duplicate_of_the_status": `{"messages":[{"id":"wamid.OUT","message_status":{"a":1}}]}`,
	}
	for _, value := range oddValues {
		for _, member := range []string{"messaging_product", "contacts", "success"} {
			bodies[member+"_"+value] = replaceMember(t, body, member, value)
		}
		changed := map[string]any{"messages": []any{json.RawMessage(replaceMember(t, message, "message_status", value))}}
		raw, err := json.Marshal(changed)
		if err != nil {
			t.Fatalf("encode the response: %v", err)
		}
		bodies["message_status_"+value] = string(raw)
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := "wamid.OUT"
			if name == "id_is_a_number" {
				want = "12345"
			}
			if wamid, err := newClientOf(t, 200, body).Send(t.Context(), newMessage()); wamid != want || err != nil {
				t.Errorf("Send = %q, %v for %s, want %s", wamid, err, body, want)
			}
		})
	}
}

func TestClient_Send_RefusedWithOddMembers(t *testing.T) {
	t.Parallel()
	graphError := map[string]any{
		"message": "(#131047) Re-engagement message", "type": "OAuthException", "code": 131047, "error_subcode": 2494010,
		"error_data": map[string]any{"details": "Why."}, "fbtrace_id": "A1", "is_transient": false,
	}
	bodies := map[string]string{
		"code_is_a_string":          replaceMember(t, graphError, "code", `"131047"`),
		"code_is_a_float":           replaceMember(t, graphError, "code", `131047.0`),
		"code_has_an_exponent":      replaceMember(t, graphError, "code", `1.31047e5`),
		"code_is_a_string_of_float": replaceMember(t, graphError, "code", `"131047.0"`),
	}
	for _, value := range oddValues {
		for member := range graphError {
			if member != "code" {
				bodies[member+"_"+value] = replaceMember(t, graphError, member, value)
			}
		}
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newClientOf(t, 400, `{"error":`+body+`}`).Send(t.Context(), newMessage())
			got := asRefusal(t, err)
			if got.Code != 131047 || got.Reaction != whatsapp.GiveUp || got.HTTPStatus != 400 {
				t.Errorf("refusal = %+v for %s, want code 131047, reaction GiveUp and status 400", got, body)
			}
		})
	}
}

func TestParseFile_OddMembers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		description string
		wantSize    int64
	}{
		"size_is_null":      {`{"url":"u","file_size":null}`, 0},
		"size_is_a_string":  {`{"url":"u","file_size":"9"}`, 9},
		"size_is_no_number": {`{"url":"u","file_size":"large"}`, 0},
		"size_is_a_float":   {`{"url":"u","file_size":9.0}`, 9},
		"size_is_an_object": {`{"url":"u","file_size":{}}`, 0},
		"others_are_odd":    {`{"url":"u","file_size":9,"sha256":7,"mime_type":null,"id":1,"messaging_product":[]}`, 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseFile([]byte(tt.description))
			if err != nil {
				t.Fatalf("decode: %v", err)
			}
			if got.URL.Reveal() != "u" || got.Size != tt.wantSize {
				t.Errorf("file = %q of %d bytes, want u of %d", got.URL.Reveal(), got.Size, tt.wantSize)
			}
		})
	}
}
