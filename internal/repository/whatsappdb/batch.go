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

// manyEvents is how many events a webhook may have that is committed together with
// others. Each event costs several statements.
const manyEvents = 20

// countEvents returns the number of items that are not messages, statuses or
// unhandled items.
func countEvents(batch webhook.Batch) int {
	return batch.Len() - len(batch.Messages) - len(batch.Statuses) - len(batch.Unhandled)
}
