package graphapi

import (
	"strings"

	"aisha/internal/service/whatsapp"
)

// The shapes of POST /<version>/<phone number id>/messages.

type textMessage struct {
	Product       string `json:"messaging_product"`
	RecipientType string `json:"recipient_type"`
	// To is a phone number and nothing else. The API takes a user id in it,
	// names a wamid, and never delivers; user ids belong into Recipient.
	To        string   `json:"to,omitempty"`
	Recipient string   `json:"recipient,omitempty"`
	Type      string   `json:"type"`
	Text      text     `json:"text"`
	Context   *replyTo `json:"context,omitempty"`
	Callback  string   `json:"biz_opaque_callback_data,omitempty"`
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

// newTextMessage is m on the wire, or the refusal of a message to nobody.
func newTextMessage(m whatsapp.Outgoing) (textMessage, error) {
	message := textMessage{
		Product:       "whatsapp",
		RecipientType: "individual",
		Type:          "text",
		Text:          text{Body: m.Body.Reveal()},
		Callback:      m.Callback,
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
		return textMessage{}, &whatsapp.Refusal{Reaction: whatsapp.GiveUp, Detail: "not sent: there is neither a phone number nor a user id"}
	}
	return message, nil
}

func newReadReceipt(wamid string) readReceipt {
	return readReceipt{Product: "whatsapp", Status: "read", MessageID: wamid, Typing: typing{Type: "text"}}
}

func isPhone(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
