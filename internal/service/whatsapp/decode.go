package whatsapp

import (
	"encoding/json"
	"errors"
	"unicode/utf8"

	"aisha/internal/sensitive"
)

// Decode takes a webhook's body apart. Each message, status and event stands
// alone: one that is broken or of no use to us is kept as it came and costs
// the others nothing. Decode never fails; what it cannot read at all it keeps.
func Decode(body []byte) Batch {
	if batch, ok := decodeUsual(body); ok {
		return batch
	}
	return decodeByItem(body)
}

// decodeByItem decodes each item from its own bytes.
func decodeByItem(body []byte) Batch {
	var batch Batch
	var envelope struct {
		Entry []json.RawMessage `json:"entry"`
	}
	if err := readJSON(body, &envelope); err != nil || len(envelope.Entry) == 0 {
		batch.keep("", "not a webhook of the documented shape", body)
		return batch
	}
	for _, raw := range envelope.Entry {
		var entry struct {
			Changes []json.RawMessage `json:"changes"`
		}
		if err := readJSON(raw, &entry); err != nil || len(entry.Changes) == 0 {
			batch.keep("", "an entry without changes", raw)
			continue
		}
		for _, change := range entry.Changes {
			batch.decodeChange(change)
		}
	}
	return batch
}

// readJSON decodes what it can. A member of another type than documented is
// left empty; only what is not JSON at all is an error.
func readJSON(raw []byte, into any) error {
	err := json.Unmarshal(raw, into)
	var oddType *json.UnmarshalTypeError
	if errors.As(err, &oddType) {
		return nil
	}
	return err
}

func (b *Batch) keep(field, reason string, raw []byte) {
	b.Kept = append(b.Kept, Kept{Field: field, Reason: reason, Raw: raw})
}

// value is the part of a change that we read.
type value struct {
	Metadata struct {
		PhoneNumberID scalar `json:"phone_number_id"`
	} `json:"metadata"`
	Contacts    []json.RawMessage `json:"contacts"`
	Messages    []json.RawMessage `json:"messages"`
	Statuses    []json.RawMessage `json:"statuses"`
	Echoes      []json.RawMessage `json:"message_echoes"`
	Preferences []json.RawMessage `json:"user_preferences"`
	Errors      []json.RawMessage `json:"errors"`
}

func (b *Batch) decodeChange(raw []byte) {
	var change struct {
		Field scalar          `json:"field"`
		Value json.RawMessage `json:"value"`
	}
	if err := readJSON(raw, &change); err != nil {
		b.keep("", "a change that cannot be read", raw)
		return
	}
	var v value
	field := change.Field.text()
	if err := readJSON(change.Value, &v); err != nil {
		b.keep(field, "a change without a value", raw)
		return
	}
	before := b.items()
	switch field {
	case "messages":
		b.decodeMessages(v)
	case "smb_message_echoes":
		each(v.Echoes, b.decodeEcho)
	case "user_preferences":
		contacts := decodeContacts(v.Contacts)
		each(v.Preferences, func(raw json.RawMessage) { b.decodePreference(raw, v.Metadata.PhoneNumberID.text(), contacts) })
	}
	if b.items() == before {
		b.keep(field, "an event that needs no answer", raw)
	}
}

// items counts what was taken from a webhook so far.
func (b *Batch) items() int {
	return len(b.Messages) + len(b.Statuses) + len(b.Edits) + len(b.Revokes) +
		len(b.Renames) + len(b.Echoes) + len(b.Preferences) + len(b.Kept)
}

func each(raws []json.RawMessage, do func(json.RawMessage)) {
	for _, raw := range raws {
		do(raw)
	}
}

func (b *Batch) decodeMessages(v value) {
	contacts := decodeContacts(v.Contacts)
	each(v.Messages, func(raw json.RawMessage) {
		b.decodeMessage(raw, v.Metadata.PhoneNumberID.text(), contacts)
	})
	each(v.Statuses, b.decodeStatus)
	each(v.Errors, func(raw json.RawMessage) { b.keep("messages", "an error of the platform", raw) })
}

func (b *Batch) decodeMessage(raw []byte, phoneNumberID string, contacts []contact) {
	var in inbound
	if err := readJSON(raw, &in); err != nil {
		b.keep("messages", "a message that cannot be read", raw)
		return
	}
	b.takeMessage(raw, in, phoneNumberID, contacts)
}

func (b *Batch) takeMessage(raw []byte, in inbound, phoneNumberID string, contacts []contact) {
	switch {
	case in.GroupID != "":
		b.keep("messages", "a message of a group", raw)
	case in.Type == "edit" && in.Edit.Original != "":
		b.Edits = append(b.Edits, Edit{WAMID: in.Edit.Original.text(), Text: sensitive.NewText(in.Edit.words())})
	case in.Type == "revoke" && in.Revoke.Original != "":
		b.Revokes = append(b.Revokes, in.Revoke.Original.text())
	case in.Type == "system":
		b.decodeSystem(raw, in)
	case !answered(in.Type.text()):
		b.keep("messages", "a message of a type that needs no answer", raw)
	default:
		b.addMessage(raw, in, phoneNumberID, identify(in, contacts))
	}
}

// answered are the types that a person sends and waits for an answer to. All
// others (reactions, system messages, types of the future) get none.
func answered(kind string) bool {
	switch kind {
	case "text", "button", "interactive", "location", "contacts", "order",
		"image", "audio", "voice", "video", "document", "sticker",
		"unsupported", "unknown":
		return true
	}
	return false
}

func (b *Batch) addMessage(raw []byte, in inbound, phoneNumberID string, sender Identity) {
	if in.Interactive.Type == "call_permission_reply" {
		b.keep("messages", "an answer to a request for calls", raw)
		return
	}
	if !in.ID.id() || phoneNumberID == "" || sender.unknown() {
		b.keep("messages", "a message without id, sender or receiver", raw)
		return
	}
	b.Messages = append(b.Messages, Message{
		WAMID:         in.ID.text(),
		PhoneNumberID: phoneNumberID,
		Sender:        sender,
		Kind:          in.Type.text(),
		Text:          sensitive.NewText(in.words()),
		Media:         in.media(),
		Quotes:        in.Context.ID.text(),
		SentAt:        in.Timestamp.time(),
		SentHour:      in.Timestamp.hour(),
	})
}

// outbound is the part of a status that we read.
type outbound struct {
	ID              scalar `json:"id"`
	Status          scalar `json:"status"`
	Timestamp       scalar `json:"timestamp"`
	RecipientUserID scalar `json:"recipient_user_id"`
	RecipientID     scalar `json:"recipient_id"`
	Callback        scalar `json:"biz_opaque_callback_data"`
	Errors          []struct {
		Code scalar `json:"code"`
	} `json:"errors"`
}

func (b *Batch) decodeStatus(raw json.RawMessage) {
	var in outbound
	if err := readJSON(raw, &in); err != nil {
		b.keep("messages", "a status that cannot be read", raw)
		return
	}
	b.takeStatus(raw, in)
}

func (b *Batch) takeStatus(raw []byte, in outbound) {
	delivery, known := deliveryOf(in.Status.text())
	if !known || !in.ID.id() {
		b.keep("messages", "a status of a kind that we do not know", raw)
		return
	}
	status := Status{
		WAMID: in.ID.text(), Callback: in.Callback.text(), Recipient: named(in.RecipientUserID, in.RecipientID),
		Delivery: delivery, At: in.Timestamp.time(),
	}
	if delivery == Failed && len(in.Errors) > 0 {
		status.ErrorCode = in.Errors[0].Code.int()
	}
	b.Statuses = append(b.Statuses, status)
}

func deliveryOf(status string) (Delivery, bool) {
	switch status {
	case "sent":
		return Sent, true
	case "delivered":
		return Delivered, true
	case "read", "played":
		return Read, true
	case "failed":
		return Failed, true
	}
	return "", false
}

// shorten cuts text to at most n bytes without breaking a character.
func shorten(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
