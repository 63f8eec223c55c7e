package webhook

import (
	"encoding/json"
	"errors"
	"time"
)

// Decode reads the body of a webhook that was received at the given time. Every
// message, status and event is decoded on its own: an item that is malformed, too
// old or of no use to us becomes an [UnhandledItem] and does not affect the
// others. Decode never fails; a body that is not understood at all, or that has far
// more items than Meta sends, is one unhandled item.
func Decode(body []byte, receivedAt time.Time) Batch {
	d := decoder{receivedAt: receivedAt}
	if hasMoreItems(body, maxItems) {
		d.addUnhandled("", "too many items for one webhook", body)
		return d.batch
	}
	var envelope struct {
		Entry []json.RawMessage `json:"entry"`
	}
	if err := unmarshal(body, &envelope); err != nil || len(envelope.Entry) == 0 {
		d.addUnhandled("", "not a webhook of the documented shape", body)
		return d.batch
	}
	for _, raw := range envelope.Entry {
		var entry struct {
			Changes []json.RawMessage `json:"changes"`
		}
		if err := unmarshal(raw, &entry); err != nil || len(entry.Changes) == 0 {
			d.addUnhandled("", "an entry without changes", raw)
			continue
		}
		for _, change := range entry.Changes {
			d.decodeChange(change)
		}
	}
	return d.batch
}

// decoder collects the items of one body.
type decoder struct {
	receivedAt time.Time
	batch      Batch
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

func (d *decoder) addUnhandled(field, reason string, raw []byte) {
	d.batch.Unhandled = append(d.batch.Unhandled, UnhandledItem{Field: field, Reason: reason, Raw: raw})
}

// maxItems limits the items of all JSON arrays in a body. While a short item is
// decoded it takes up two hundred times the memory of its bytes. Meta sends at most
// 1,000 updates in one webhook.
// https://developers.facebook.com/docs/whatsapp/cloud-api/guides/set-up-webhooks
const maxItems = 10_000

// hasMoreItems reports whether the JSON arrays of body have more than limit items
// together, counted without decoding them. The count is right for valid JSON, give
// or take one item for each array.
func hasMoreItems(body []byte, limit int) bool {
	const smallestItem = 2 // bytes, such as "1,"
	if len(body) <= smallestItem*limit {
		return false // nearly always
	}
	items := 0
	var inArray []bool // of the open arrays and objects
	for i := 0; i < len(body) && items <= limit; i++ {
		switch body[i] {
		case '"':
			i = endOfString(body, i)
		case '[':
			inArray = append(inArray, true)
			items++
		case '{':
			inArray = append(inArray, false)
		case ']', '}':
			inArray = inArray[:max(len(inArray)-1, 0)]
		case ',':
			if n := len(inArray); n > 0 && inArray[n-1] {
				items++
			}
		}
	}
	return items > limit
}

// endOfString returns the index of the quote that ends the JSON string which begins
// at start, or the length of body if none does.
func endOfString(body []byte, start int) int {
	for i := start + 1; i < len(body); i++ {
		switch body[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(body)
}

// value is the JSON of a change's value, with its items undecoded.
type value struct {
	Metadata    metadataJSON      `json:"metadata"`
	Contacts    []json.RawMessage `json:"contacts"`
	Messages    []json.RawMessage `json:"messages"`
	Statuses    []json.RawMessage `json:"statuses"`
	Echoes      []json.RawMessage `json:"message_echoes"`
	Preferences []json.RawMessage `json:"user_preferences"`
	Errors      []json.RawMessage `json:"errors"`
}

type metadataJSON struct {
	PhoneNumberID scalar `json:"phone_number_id"`
}

// isTest reports whether the change comes from the Test button of Meta's App
// Dashboard. The number in its sample does not exist, so Meta would refuse an
// answer from it.
func (m metadataJSON) isTest() bool { return m.PhoneNumberID == "123456123" }

func (d *decoder) decodeChange(raw []byte) {
	var change struct {
		Field scalar          `json:"field"`
		Value json.RawMessage `json:"value"`
	}
	if err := unmarshal(raw, &change); err != nil {
		d.addUnhandled("", "a change that cannot be read", raw)
		return
	}
	var v value
	field := change.Field.text()
	if err := unmarshal(change.Value, &v); err != nil {
		d.addUnhandled(field, "a change without a value", raw)
		return
	}
	if v.Metadata.isTest() {
		d.addUnhandled(field, "a sample from the Test button of Meta's App Dashboard", raw)
		return
	}
	before := d.batch.Len()
	switch field {
	case "messages":
		d.decodeMessages(v)
	case "smb_message_echoes":
		for _, raw := range v.Echoes {
			d.decodeEcho(raw)
		}
	case "user_preferences":
		contacts := newDirectory(decodeContacts(v.Contacts), len(v.Preferences))
		for _, raw := range v.Preferences {
			d.decodePreference(raw, v.Metadata.PhoneNumberID.text(), contacts)
		}
	}
	if d.batch.Len() == before {
		d.addUnhandled(field, "an event that needs no answer", raw)
	}
}

func (d *decoder) decodeMessages(v value) {
	if len(v.Messages) > 0 {
		contacts := newDirectory(decodeContacts(v.Contacts), len(v.Messages))
		for _, raw := range v.Messages {
			var in messageJSON
			if err := unmarshal(raw, &in); err != nil {
				d.addUnhandled("messages", "a message that cannot be read", raw)
				continue
			}
			d.addMessage(raw, in, v.Metadata.PhoneNumberID.text(), contacts)
		}
	}
	for _, raw := range v.Statuses {
		var in statusJSON
		if err := unmarshal(raw, &in); err != nil {
			d.addUnhandled("messages", "a status that cannot be read", raw)
			continue
		}
		d.addStatus(raw, in)
	}
	for _, raw := range v.Errors {
		d.addUnhandled("messages", "an error of the platform", raw)
	}
}
