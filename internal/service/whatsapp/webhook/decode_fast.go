package webhook

import "encoding/json"

// commonWebhook is the shape of nearly all webhooks: messages and statuses,
// with every member of its documented type.
type commonWebhook struct {
	Entry []struct {
		Changes []struct {
			Field scalar `json:"field"`
			Value struct {
				Metadata struct {
					PhoneNumberID scalar `json:"phone_number_id"`
				} `json:"metadata"`
				Contacts []contactJSON     `json:"contacts"`
				Messages []messageJSON     `json:"messages"`
				Statuses []statusJSON      `json:"statuses"`
				Errors   []json.RawMessage `json:"errors"`
			} `json:"value"`
		} `json:"changes"`
	} `json:"entry"`
}

// decodeFast decodes a common webhook in one pass; decodeItems scans each byte
// once for every level of nesting. It reports false for a body with anything
// uncommon in it, above all anything that becomes an unhandled item, because
// that needs the bytes of the item.
func decodeFast(body []byte) (Batch, bool) {
	var webhook commonWebhook
	if err := json.Unmarshal(body, &webhook); err != nil {
		return Batch{}, false
	}
	var batch Batch
	for _, entry := range webhook.Entry {
		for _, change := range entry.Changes {
			v, before := change.Value, batch.Len()
			for _, in := range v.Messages {
				batch.addMessage(nil, in, v.Metadata.PhoneNumberID.text(), v.Contacts)
			}
			for _, in := range v.Statuses {
				batch.addStatus(nil, in)
			}
			if change.Field != "messages" || len(v.Errors) > 0 || batch.Len() == before {
				return Batch{}, false
			}
		}
		if len(entry.Changes) == 0 {
			return Batch{}, false
		}
	}
	return batch, len(webhook.Entry) > 0 && len(batch.Unhandled) == 0
}
