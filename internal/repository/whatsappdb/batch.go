package whatsappdb

import "aisha/internal/service/whatsapp/webhook"

// mergeBatches returns one batch with the items of all, in order.
func mergeBatches(batches []webhook.Batch) webhook.Batch {
	if len(batches) == 1 {
		return batches[0]
	}
	var all webhook.Batch
	for _, batch := range batches {
		all.Append(batch)
	}
	return all
}

// weight returns the number of items, plus one for each KiB of long content,
// because a webhook may have four megabytes.
func weight(batch webhook.Batch) int {
	const kib = 1 << 10
	total := batch.Len()
	for _, m := range batch.Messages {
		total += len(m.Text.Reveal()) / kib
	}
	for _, item := range batch.Unhandled {
		total += len(item.Raw) / kib
	}
	return max(total, 1)
}

// hasEvents reports whether the batch has other items than messages, statuses
// and unhandled items.
func hasEvents(batch webhook.Batch) bool {
	return batch.Len() > len(batch.Messages)+len(batch.Statuses)+len(batch.Unhandled)
}
