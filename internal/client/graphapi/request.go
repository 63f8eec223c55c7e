package graphapi

import (
	"strings"

	"aisha/internal/service/whatsapp"
)

// This file has the JSON bodies of POST /<version>/<phone number id>/messages.
// https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages

// messageRequest sends a message. It has either Text or Interactive.
type messageRequest struct {
	Product       string `json:"messaging_product"`
	RecipientType string `json:"recipient_type"`
	// To must be a phone number. The API also accepts a bsuid here and returns a
	// wamid, but never delivers the message; a bsuid belongs in Recipient.
	To          string       `json:"to,omitempty"`
	Recipient   string       `json:"recipient,omitempty"`
	Type        string       `json:"type"`
	Text        *text        `json:"text,omitempty"`
	Interactive *interactive `json:"interactive,omitempty"`
	Context     *quote       `json:"context,omitempty"`
	Callback    string       `json:"biz_opaque_callback_data,omitempty"`
}

type text struct {
	PreviewURL bool   `json:"preview_url"`
	Body       string `json:"body"`
}

// interactive is a text with a reply button.
type interactive struct {
	Type   string          `json:"type"`
	Body   interactiveBody `json:"body"`
	Action action          `json:"action"`
}

type interactiveBody struct {
	Text string `json:"text"`
}

type action struct {
	Buttons []button `json:"buttons"`
}

type button struct {
	Type  string      `json:"type"`
	Reply buttonReply `json:"reply"`
}

type buttonReply struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// quote names the message that is quoted.
type quote struct {
	WAMID string `json:"message_id"`
}

// readRequest marks a message as read and shows the typing indicator.
type readRequest struct {
	Product string `json:"messaging_product"`
	Status  string `json:"status"`
	WAMID   string `json:"message_id"`
	Typing  typing `json:"typing_indicator"`
}

type typing struct {
	Type string `json:"type"`
}

// newMessageRequest returns the request that sends m. It returns a
// *whatsapp.Refusal where m has no recipient.
func newMessageRequest(m whatsapp.OutgoingMessage) (messageRequest, error) {
	request := messageRequest{
		Product:       "whatsapp",
		RecipientType: "individual",
		Type:          "text",
		Callback:      m.Callback,
	}
	if m.Button == "" {
		request.Text = &text{Body: m.Body.Reveal()}
	} else {
		request.Type, request.Interactive = "interactive", newInteractive(m.Body.Reveal(), m.Button)
	}
	if m.QuotedWAMID != "" {
		request.Context = &quote{WAMID: m.QuotedWAMID}
	}
	switch phone := strings.TrimPrefix(m.To.WaID.Reveal(), "+"); {
	case isDigits(phone):
		request.To = phone
	case m.To.BSUID != "":
		request.Recipient = m.To.BSUID
	default:
		return messageRequest{}, &whatsapp.Refusal{
			Reaction: whatsapp.GiveUp,
			Detail:   "not sent: the person has neither a phone number nor a bsuid",
		}
	}
	return request, nil
}

// newInteractive returns a text with one reply button. When the person presses
// the button, Meta's webhook has its title and its id. Meta requires the id;
// nothing of ours reads it.
func newInteractive(body, buttonTitle string) *interactive {
	return &interactive{
		Type:   "button",
		Body:   interactiveBody{Text: body},
		Action: action{Buttons: []button{{Type: "reply", Reply: buttonReply{ID: "reply", Title: buttonTitle}}}},
	}
}

func newReadRequest(wamid string) readRequest {
	return readRequest{
		Product: "whatsapp",
		Status:  "read",
		WAMID:   wamid,
		Typing:  typing{Type: "text"},
	}
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
