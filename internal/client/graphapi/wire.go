package graphapi

import (
	"strings"

	"aisha/internal/service/whatsapp"
)

// The shapes of POST /<version>/<phone number id>/messages.

type outgoing struct {
	Product       string `json:"messaging_product"`
	RecipientType string `json:"recipient_type"`
	// To is a phone number and nothing else. The API takes a user id in it,
	// names a wamid, and never delivers; user ids belong into Recipient.
	To        string `json:"to,omitempty"`
	Recipient string `json:"recipient,omitempty"`
	Type      string `json:"type"`
	// Exactly one of the two is there.
	Text        *text        `json:"text,omitempty"`
	Interactive *interactive `json:"interactive,omitempty"`
	Context     *replyTo     `json:"context,omitempty"`
	Callback    string       `json:"biz_opaque_callback_data,omitempty"`
}

// interactive is a text with a reply button.
type interactive struct {
	Type   string  `json:"type"`
	Body   caption `json:"body"`
	Action action  `json:"action"`
}

type caption struct {
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

type text struct {
	PreviewURL bool   `json:"preview_url"`
	Body       string `json:"body"`
}

type replyTo struct {
	MessageID string `json:"message_id"`
}

type readReceipt struct {
	Product   string `json:"messaging_product"`
	Status    string `json:"status"`
	MessageID string `json:"message_id"`
	Typing    typing `json:"typing_indicator"`
}

type typing struct {
	Type string `json:"type"`
}

type sentMessage struct {
	ID     string `json:"id"`
	Status string `json:"message_status"` // accepted, held_for_quality_assessment or paused
}

// newMessage is m on the wire, or the refusal of a message to nobody.
func newMessage(m whatsapp.Outgoing) (outgoing, error) {
	message := outgoing{
		Product:       "whatsapp",
		RecipientType: "individual",
		Type:          "text",
		Callback:      m.Callback,
	}
	if m.Button == "" {
		message.Text = &text{Body: m.Body.Reveal()}
	} else {
		message.Type, message.Interactive = "interactive", withButton(m.Body.Reveal(), m.Button)
	}
	if m.ReplyTo != "" {
		message.Context = &replyTo{MessageID: m.ReplyTo}
	}
	switch phone := strings.TrimPrefix(m.To.Phone.Reveal(), "+"); {
	case isPhone(phone):
		message.To = phone
	case m.To.UserID != "":
		message.Recipient = m.To.UserID
	default:
		return outgoing{}, &whatsapp.Refusal{Reaction: whatsapp.GiveUp, Detail: "not sent: there is neither a phone number nor a user id"}
	}
	return message, nil
}

// withButton is a text over a button. What the button says comes back when it
// is pressed; its id, which must be there, says nothing more.
func withButton(body, title string) *interactive {
	return &interactive{
		Type:   "button",
		Body:   caption{Text: body},
		Action: action{Buttons: []button{{Type: "reply", Reply: buttonReply{ID: "reply", Title: title}}}},
	}
}

func newReadReceipt(wamid string) readReceipt {
	return readReceipt{Product: "whatsapp", Status: "read", MessageID: wamid, Typing: typing{Type: "text"}}
}

func isPhone(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
