package graphapi

import (
	"strings"
	"testing"
)

func TestRedactor_Apply(t *testing.T) {
	t.Parallel()
	t.Run("long_text_is_cut_between_characters", func(t *testing.T) {
		t.Parallel()
		got := redactor{}.apply("x" + strings.Repeat("ũ ", 1000))
		if want := maxDetail + len("…"); len(got) > want {
			t.Errorf("text has %d bytes, want at most %d", len(got), want)
		}
		if strings.Contains(got, "\ufffd") {
			t.Errorf("text = %q, want it without half a character", got)
		}
		if !strings.HasSuffix(got, "…") {
			t.Errorf("text = %q, want it to end with …", got)
		}
	})
}

func TestClient_Send_RefusalIsRedacted(t *testing.T) {
	t.Parallel()
	const body = `{"error":{"message":"Malformed access token EAAGhunter2token for +254712345678 (0712 345 678, 254-712-345-678)","code":190,` +
		`"error_data":{"details":"KE.13491208655302741918 Wanjiru wrote \"Karibu! You are on the list.\" with EAAGqwertyuiopasdfghjklzxcvbnm1234567890\u0000\n"},` +
		`"error_subcode":2494055,"fbtrace_id":"AbC"}}`
	_, err := newClientOf(t, 400, body).Send(t.Context(), newMessage())
	text := asRefusal(t, err).Error()
	for _, private := range []string{"hunter2", "712", "KE.1", "Wanjiru", "Karibu", "EAAG", "\x00", "\n"} {
		if strings.Contains(text, private) {
			t.Errorf("error = %q, want it without %q", text, private)
		}
	}
	for _, needed := range []string{"Malformed access token", "190", "2494055", "AbC"} {
		if !strings.Contains(text, needed) {
			t.Errorf("error = %q, want it with %q", text, needed)
		}
	}
}
