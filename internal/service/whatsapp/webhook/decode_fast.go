package webhook

import (
	"bytes"
	"encoding/json"
	"time"
)

// commonWebhook is the shape of nearly all webhooks: messages and statuses,
// with every member of its documented type.
type commonWebhook struct {
	Entry freshList[struct {
		Changes freshList[struct {
			Field scalar      `json:"field"`
			Value commonValue `json:"value"`
		}] `json:"changes"`
	}] `json:"entry"`
}

type commonValue struct {
	Metadata metadataJSON               `json:"metadata"`
	Contacts freshList[contactJSON]     `json:"contacts"`
	Messages freshList[messageJSON]     `json:"messages"`
	Statuses freshList[statusJSON]      `json:"statuses"`
	Errors   freshList[json.RawMessage] `json:"errors"`
}

// freshList is a slice that is decoded into new elements. encoding/json decodes a
// second list with the same name into the elements of the first one, and so would
// mix two messages.
type freshList[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *freshList[T]) UnmarshalJSON(raw []byte) error {
	var elements []T
	err := json.Unmarshal(raw, &elements)
	*l = elements
	return err
}

// maxCommas limits the memory that decodeFast takes. It decodes all messages of a
// webhook before it looks at one, each takes a kilobyte, and there is a comma
// between two. Meta sends at most 1,000 updates in one webhook.
const maxCommas = 20_000

// decodeFast decodes a common webhook in one pass; decodeItems scans each byte
// once for every level of nesting. It reports false for a body with anything
// uncommon in it, above all anything that becomes an unhandled item, because
// that needs the bytes of the item.
func decodeFast(body []byte, receivedAt time.Time) (Batch, bool) {
	if bytes.Count(body, []byte{','}) > maxCommas {
		return Batch{}, false
	}
	var webhook commonWebhook
	if err := json.Unmarshal(body, &webhook); err != nil {
		return Batch{}, false
	}
	d := decoder{receivedAt: receivedAt}
	for _, entry := range webhook.Entry {
		for _, change := range entry.Changes {
			if change.Field != "messages" || !d.addCommon(change.Value) {
				return Batch{}, false
			}
		}
		if len(entry.Changes) == 0 {
			return Batch{}, false
		}
	}
	return d.batch, len(webhook.Entry) > 0
}

// addCommon adds the items of a change. It reports false if the change has
// anything uncommon in it.
func (d *decoder) addCommon(v commonValue) bool {
	if v.Metadata.isTest() || len(v.Errors) > 0 || len(v.Messages)+len(v.Statuses) == 0 {
		return false
	}
	if len(v.Messages) > 0 {
		contacts := newDirectory(v.Contacts, len(v.Messages))
		for _, in := range v.Messages {
			d.addMessage(nil, in, v.Metadata.PhoneNumberID.text(), contacts)
		}
	}
	for _, in := range v.Statuses {
		d.addStatus(nil, in)
	}
	return len(d.batch.Unhandled) == 0
}
