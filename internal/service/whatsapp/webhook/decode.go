package webhook

import (
	"encoding/json"
	"errors"
)

// Decode reads the body of a webhook. Every message, status and event is
// decoded on its own: an item that is malformed or of no use to us becomes an
// [UnhandledItem] and does not affect the others. Decode never fails; a body
// that is not understood at all is one unhandled item.
func Decode(body []byte) Batch {
	if batch, ok := decodeFast(body); ok {
		return batch
	}
	return decodeItems(body)
}

// decodeItems decodes every item from its own bytes.
func decodeItems(body []byte) Batch {
	var batch Batch
	var envelope struct {
		Entry []json.RawMessage `json:"entry"`
	}
	if err := unmarshal(body, &envelope); err != nil || len(envelope.Entry) == 0 {
		batch.addUnhandled("", "not a webhook of the documented shape", body)
		return batch
	}
	for _, raw := range envelope.Entry {
		var entry struct {
			Changes []json.RawMessage `json:"changes"`
		}
		if err := unmarshal(raw, &entry); err != nil || len(entry.Changes) == 0 {
			batch.addUnhandled("", "an entry without changes", raw)
			continue
		}
		for _, change := range entry.Changes {
			batch.decodeChange(change)
		}
	}
	return batch
}

// unmarshal decodes the members that it can. A member of an undocumented type
// stays empty; only bytes that are not JSON are an error.
func unmarshal(raw []byte, into any) error {
	err := json.Unmarshal(raw, into)
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return nil
	}
	return err
}

func (b *Batch) addUnhandled(field, reason string, raw []byte) {
	b.Unhandled = append(b.Unhandled, UnhandledItem{Field: field, Reason: reason, Raw: raw})
}

// value is the JSON of a change's value, with its items undecoded.
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
	if err := unmarshal(raw, &change); err != nil {
		b.addUnhandled("", "a change that cannot be read", raw)
		return
	}
	var v value
	field := change.Field.text()
	if err := unmarshal(change.Value, &v); err != nil {
		b.addUnhandled(field, "a change without a value", raw)
		return
	}
	before := b.Len()
	switch field {
	case "messages":
		b.decodeMessages(v)
	case "smb_message_echoes":
		for _, raw := range v.Echoes {
			b.decodeEcho(raw)
		}
	case "user_preferences":
		contacts := decodeContacts(v.Contacts)
		for _, raw := range v.Preferences {
			b.decodePreference(raw, v.Metadata.PhoneNumberID.text(), contacts)
		}
	}
	if b.Len() == before {
		b.addUnhandled(field, "an event that needs no answer", raw)
	}
}

func (b *Batch) decodeMessages(v value) {
	contacts := decodeContacts(v.Contacts)
	for _, raw := range v.Messages {
		var in messageJSON
		if err := unmarshal(raw, &in); err != nil {
			b.addUnhandled("messages", "a message that cannot be read", raw)
			continue
		}
		b.addMessage(raw, in, v.Metadata.PhoneNumberID.text(), contacts)
	}
	for _, raw := range v.Statuses {
		var in statusJSON
		if err := unmarshal(raw, &in); err != nil {
			b.addUnhandled("messages", "a status that cannot be read", raw)
			continue
		}
		b.addStatus(raw, in)
	}
	for _, raw := range v.Errors {
		b.addUnhandled("messages", "an error of the platform", raw)
	}
}
