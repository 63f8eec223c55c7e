package repository

import "aisha/internal/service/whatsapp"

// merge makes one batch of several. What is stored of one kind keeps its order.
func merge(batches []whatsapp.Batch) whatsapp.Batch {
	if len(batches) == 1 {
		return batches[0]
	}
	var all whatsapp.Batch
	for _, b := range batches {
		all.Messages = append(all.Messages, b.Messages...)
		all.Statuses = append(all.Statuses, b.Statuses...)
		all.Edits = append(all.Edits, b.Edits...)
		all.Revokes = append(all.Revokes, b.Revokes...)
		all.Renames = append(all.Renames, b.Renames...)
		all.Echoes = append(all.Echoes, b.Echoes...)
		all.Preferences = append(all.Preferences, b.Preferences...)
		all.Kept = append(all.Kept, b.Kept...)
	}
	return all
}

// weight is the number of items, and one more for each KiB that is long in
// them: a webhook may have four megabytes.
func weight(batch whatsapp.Batch) int {
	const long = 1 << 10
	total := len(batch.Messages) + len(batch.Statuses) + len(batch.Edits) + len(batch.Revokes) +
		len(batch.Renames) + len(batch.Echoes) + len(batch.Preferences) + len(batch.Kept)
	for _, m := range batch.Messages {
		total += len(m.Text.Reveal()) / long
	}
	for _, k := range batch.Kept {
		total += len(k.Raw) / long
	}
	return max(total, 1)
}

// eventful reports whether it tells anything but messages, statuses and what is
// only kept.
func eventful(batch whatsapp.Batch) bool {
	return len(batch.Edits)+len(batch.Revokes)+len(batch.Renames)+len(batch.Echoes)+len(batch.Preferences) > 0
}
