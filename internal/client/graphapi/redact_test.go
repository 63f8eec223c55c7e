package graphapi

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

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

func TestClient_Send_RefusalInOtherSpellingsIsRedacted(t *testing.T) {
	t.Parallel()
	for name, message := range map[string]string{
		"zero_width_space":    "to 254712\u200B345678 failed",
		"full_width":          "to \uFF12\uFF15\uFF14\uFF17\uFF11\uFF12\uFF13\uFF14\uFF15\uFF16\uFF17\uFF18 failed",
		"commas":              "to 254,712,345,678 failed",
		"name_in_capitals":    "to WANJIRU failed",
		"name_with_filler":    "to Wan\u3164jiru failed",
		"part_of_the_text":    "bad text: you are on the list",
		"text_in_other_case":  "bad text: KARIBU",
		"text_in_full_width":  "bad text: \uFF2B\uFF41\uFF52\uFF49\uFF42\uFF55",
		"token_in_other_case": "bad token: eaagHUNTER2token",
		"bsuid_spelled_out":   "to K E . 13491208655302741918 failed",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newClientOf(t, 400, `{"error":{"message":"`+message+`","code":131009,"error_subcode":2494010}}`).Send(t.Context(), newMessage())
			text := strings.ToLower(asRefusal(t, err).Error())
			for _, private := range []string{"12", "345", "678", "wanjiru", "jiru", "karibu", "you are on", "hunter", "\uFF12", "\uFF2B", "k e"} {
				if strings.Contains(strings.ReplaceAll(strings.ReplaceAll(text, "131009", ""), "2494010", ""), private) {
					t.Errorf("error = %q, want it without %q", text, private)
				}
			}
			for _, needed := range []string{"131009", "subcode 2494010"} {
				if !strings.Contains(text, needed) {
					t.Errorf("error = %q, want it with %q", text, needed)
				}
			}
		})
	}
}

func TestClient_Send_UnknownOutcomeIsRedacted(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"header": "HTTP/1.1 200 OK\r\n254712345678 Wanjiru\r\n\r\n",
		"status": "HTTP/1.1 Wanjiru 254712345678\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newTestClient(serveTCP(t, respond(raw))).Send(t.Context(), newMessage())
			if !isUnknownOutcome(err) {
				t.Fatalf("error = %v, want an UnknownOutcome", err)
			}
			for ; err != nil; err = errors.Unwrap(err) {
				if text := err.Error(); strings.Contains(text, "Wanjiru") || strings.Contains(text, "712") {
					t.Errorf("error = %q, want it without the name and the number", text)
				}
			}
		})
	}
}

func TestClient_Send_MessageStatusIsRedacted(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := newClientOf(t, 200, `{"messages":[{"id":"wamid.OUT","message_status":"held for 254 712 345 678"}]}`)
	c.options.Log = slog.New(slog.NewJSONHandler(&log, nil))
	if wamid, err := c.Send(t.Context(), newMessage()); wamid != "wamid.OUT" || err != nil {
		t.Errorf("Send = %q, %v, want wamid.OUT", wamid, err)
	}
	if text := log.String(); !strings.Contains(text, "held for") || strings.Contains(text, "712 345") {
		t.Errorf("log = %s, want the message status without the number", text)
	}
}
