package whatsapp

import "encoding/json"

// usual is a webhook as nearly all are: messages and statuses, and every member
// of the documented type.
type usual struct {
	Entry []struct {
		Changes []struct {
			Field scalar `json:"field"`
			Value struct {
				Metadata struct {
					PhoneNumberID scalar `json:"phone_number_id"`
				} `json:"metadata"`
				Contacts []contact         `json:"contacts"`
				Messages []inbound         `json:"messages"`
				Statuses []outbound        `json:"statuses"`
				Errors   []json.RawMessage `json:"errors"`
			} `json:"value"`
		} `json:"changes"`
	} `json:"entry"`
}

// decodeUsual decodes a usual webhook in one pass, where decodeByItem scans
// each byte once for every level above it. It reports false where there is
// anything in it that is not usual, above all anything that is to be kept.
func decodeUsual(body []byte) (Batch, bool) {
	var webhook usual
	if err := json.Unmarshal(body, &webhook); err != nil {
		return Batch{}, false
	}
	var batch Batch
	for _, entry := range webhook.Entry {
		for _, change := range entry.Changes {
			v, before := change.Value, batch.items()
			for _, in := range v.Messages {
				batch.takeMessage(nil, in, v.Metadata.PhoneNumberID.text(), v.Contacts)
			}
			for _, in := range v.Statuses {
				batch.takeStatus(nil, in)
			}
			if change.Field != "messages" || len(v.Errors) > 0 || batch.items() == before {
				return Batch{}, false
			}
		}
		if len(entry.Changes) == 0 {
			return Batch{}, false
		}
	}
	return batch, len(webhook.Entry) > 0 && len(batch.Kept) == 0
}
