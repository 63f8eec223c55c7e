package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// businessAccountID is the WhatsApp Business Account that owns the number.
const businessAccountID = "102290129340398"

// object is a JSON object. Webhooks are maps and not structs, because each
// message has a member that is named after its type.
type object = map[string]any

// messageWebhookBody returns the webhook for one message of a person. It merges
// content into the message: the member of its type, or a context.
func (s *Simulator) messageWebhookBody(in Inbound, content object) ([]byte, error) {
	message := object{
		"id":           in.WAMID,
		"timestamp":    s.timestamp(in.At),
		"type":         in.Kind,
		"from_user_id": in.Person.UserID,
	}
	if in.Person.Phone != "" {
		message["from"] = in.Person.Phone
	}
	for key, value := range content {
		message[key] = value
	}
	contact := contactObject(in.Person)
	if in.Person.Name != "" {
		contact["profile"] = object{"name": in.Person.Name}
	}
	return s.webhookBody(fieldMessages, object{"contacts": []object{contact}, "messages": []object{message}})
}

// echoWebhookBody returns the webhook for a text that an employee wrote to a
// person in the WhatsApp Business app.
func (s *Simulator) echoWebhookBody(out Outbound) ([]byte, error) {
	echo := object{
		"from":       s.businessNumber(),
		"to_user_id": out.Person.UserID,
		"id":         out.WAMID,
		"timestamp":  s.timestamp(out.At),
		"type":       kindText,
		kindText:     object{"body": out.Body},
	}
	if out.Person.Phone != "" {
		echo["to"] = out.Person.Phone
	}
	return s.webhookBody(fieldEchoes, object{"message_echoes": []object{echo}})
}

// businessNumber returns the digits of the number of the business.
func (s *Simulator) businessNumber() string { return normalizePhone(s.options.DisplayNumber) }

// statusWebhookBody returns the webhook for a status of a message to a person.
// It has no "conversation", as in Graph API version 24 and later.
func (s *Simulator) statusWebhookBody(out Outbound, value Status) ([]byte, error) {
	status := object{
		"id":                out.WAMID,
		"status":            string(value),
		"timestamp":         s.timestamp(s.store.now()),
		"recipient_user_id": out.Person.UserID,
	}
	if out.Person.Phone != "" {
		status["recipient_id"] = out.Person.Phone
	}
	if faults, _ := s.store.currentFaults(); out.Callback != "" && !faults.Webhooks.OmitCallbackData {
		status["biz_opaque_callback_data"] = out.Callback
	}
	if value == StatusFailed {
		status["errors"] = []object{windowClosedError()}
	} else {
		status["pricing"] = object{
			"billable": false, "pricing_model": "PMP", "category": "service", "type": "free_customer_service",
		}
	}
	return s.webhookBody(fieldMessages, object{"contacts": []object{contactObject(out.Person)}, "statuses": []object{status}})
}

// timestamp formats a time in Unix seconds, as webhooks do.
func (s *Simulator) timestamp(at time.Time) string {
	faults, _ := s.store.currentFaults()
	return strconv.FormatInt(at.Add(faults.Webhooks.ClockOffset).Unix(), 10)
}

// codeWindowClosed is Meta's error code for a message that was sent after the
// customer service window.
const codeWindowClosed = 131047

func windowClosedError() object {
	return object{
		"code":       codeWindowClosed,
		"title":      "Re-engagement message",
		"message":    "Re-engagement message",
		"error_data": object{"details": "Message failed to send because more than 24 hours have passed since the customer last replied to this number."},
		"href":       "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
	}
}

func contactObject(p Person) object {
	contact := object{"user_id": p.UserID}
	if p.Phone != "" {
		contact["wa_id"] = p.Phone
	}
	return contact
}

// The webhook fields that the simulator sends.
const (
	fieldMessages = "messages"
	fieldEchoes   = "smb_message_echoes"
)

// webhookBody wraps the value of a change into the body of a webhook.
func (s *Simulator) webhookBody(field string, value object) ([]byte, error) {
	value["messaging_product"] = "whatsapp"
	value["metadata"] = object{
		"display_phone_number": s.businessNumber(),
		"phone_number_id":      s.options.PhoneNumberID,
	}
	body, err := json.Marshal(object{
		"object": "whatsapp_business_account",
		"entry": []object{{
			"id":      businessAccountID,
			"changes": []object{{"field": field, "value": value}},
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("build webhook: %w", err)
	}
	return escapeJSON(body), nil
}

// escapeJSON escapes JSON as Meta does: every character outside ASCII as \uXXXX
// and every slash as \/. The signature covers these bytes, so a service that
// verifies re-encoded JSON instead of the raw body fails. The function does not
// parse: outside of strings JSON has neither slashes nor characters to escape.
func escapeJSON(body []byte) []byte {
	escaped := make([]byte, 0, len(body)+len(body)/4)
	for len(body) > 0 {
		r, size := utf8.DecodeRune(body)
		char := body[:size]
		body = body[size:]
		switch {
		case r == '/':
			escaped = append(escaped, '\\', '/')
		case r < utf8.RuneSelf:
			escaped = append(escaped, char...)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, high, low)
		default:
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		}
	}
	return escaped
}

// signature returns the X-Hub-Signature-256 header of a body.
func signature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
