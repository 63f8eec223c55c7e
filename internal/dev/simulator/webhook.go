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

// businessAccountID is the account that the number belongs to.
const businessAccountID = "102290129340398"

// object is a JSON object. Webhooks are built of these and not of structs,
// because a message has a member that is named for its kind.
type object = map[string]any

// inboundWebhook is the body that tells of one message of a person. Content is
// merged into the message: what belongs to its kind, or a context.
func (s *Simulator) inboundWebhook(in Inbound, content object) ([]byte, error) {
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
	contact := contactOf(in.Person)
	if in.Person.Name != "" {
		contact["profile"] = object{"name": in.Person.Name}
	}
	return s.envelope(object{"contacts": []object{contact}, "messages": []object{message}})
}

// statusWebhook is the body that tells how far a message to a person has come.
// The conversation is left out, as it is since version 24 of the Graph API.
func (s *Simulator) statusWebhook(out Outbound, state State) ([]byte, error) {
	status := object{
		"id":                out.WAMID,
		"status":            string(state),
		"timestamp":         s.timestamp(s.store.now()),
		"recipient_user_id": out.Person.UserID,
	}
	if out.Person.Phone != "" {
		status["recipient_id"] = out.Person.Phone
	}
	if faults, _ := s.store.currentFaults(); out.Callback != "" && !faults.Webhooks.NoCallback {
		status["biz_opaque_callback_data"] = out.Callback
	}
	if state == Failed {
		status["errors"] = []object{windowClosed()}
	} else {
		status["pricing"] = object{
			"billable": false, "pricing_model": "PMP", "category": "service", "type": "free_customer_service",
		}
	}
	return s.envelope(object{"contacts": []object{contactOf(out.Person)}, "statuses": []object{status}})
}

// timestamp is a time as webhooks tell it.
func (s *Simulator) timestamp(at time.Time) string {
	faults, _ := s.store.currentFaults()
	return strconv.FormatInt(at.Add(faults.Webhooks.Clock).Unix(), 10)
}

// codeWindowClosed is Meta's code of a message that came too late.
const codeWindowClosed = 131047

func windowClosed() object {
	return object{
		"code":       codeWindowClosed,
		"title":      "Re-engagement message",
		"message":    "Re-engagement message",
		"error_data": object{"details": "Message failed to send because more than 24 hours have passed since the customer last replied to this number."},
		"href":       "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
	}
}

func contactOf(p Person) object {
	contact := object{"user_id": p.UserID}
	if p.Phone != "" {
		contact["wa_id"] = p.Phone
	}
	return contact
}

func (s *Simulator) envelope(value object) ([]byte, error) {
	value["messaging_product"] = "whatsapp"
	value["metadata"] = object{
		"display_phone_number": bareNumber(s.options.DisplayNumber),
		"phone_number_id":      s.options.PhoneNumberID,
	}
	body, err := json.Marshal(object{
		"object": "whatsapp_business_account",
		"entry": []object{{
			"id":      businessAccountID,
			"changes": []object{{"field": "messages", "value": value}},
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("build webhook: %w", err)
	}
	return escape(body), nil
}

// escape writes JSON as Meta does: ASCII alone, and each slash with a backslash.
// The signature is over these bytes, so a service that signs what it parsed and
// wrote again finds out here. Outside of strings JSON has neither slashes nor
// anything but ASCII, so no parsing is needed.
func escape(body []byte) []byte {
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

// sign is the value of X-Hub-Signature-256 for a body.
func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
