package webhook

// Batch is the content of one or more webhooks, by kind of item.
type Batch struct {
	Messages        []Message
	Statuses        []Status
	Edits           []Edit
	Revokes         []Revoke
	IdentityChanges []IdentityChange
	Echoes          []Echo
	Preferences     []Preference
	Unhandled       []UnhandledItem
}

// Len returns the number of items of all kinds.
func (b *Batch) Len() int {
	return len(b.Messages) + len(b.Statuses) + len(b.Edits) + len(b.Revokes) +
		len(b.IdentityChanges) + len(b.Echoes) + len(b.Preferences) + len(b.Unhandled)
}

// Append adds the items of other after those of b, in order.
func (b *Batch) Append(other Batch) {
	b.Messages = append(b.Messages, other.Messages...)
	b.Statuses = append(b.Statuses, other.Statuses...)
	b.Edits = append(b.Edits, other.Edits...)
	b.Revokes = append(b.Revokes, other.Revokes...)
	b.IdentityChanges = append(b.IdentityChanges, other.IdentityChanges...)
	b.Echoes = append(b.Echoes, other.Echoes...)
	b.Preferences = append(b.Preferences, other.Preferences...)
	b.Unhandled = append(b.Unhandled, other.Unhandled...)
}

// Split returns one batch for each item.
func (b *Batch) Split() []Batch {
	batches := make([]Batch, 0, b.Len())
	for i := range b.Messages {
		batches = append(batches, Batch{Messages: b.Messages[i : i+1]})
	}
	for i := range b.Statuses {
		batches = append(batches, Batch{Statuses: b.Statuses[i : i+1]})
	}
	for i := range b.Edits {
		batches = append(batches, Batch{Edits: b.Edits[i : i+1]})
	}
	for i := range b.Revokes {
		batches = append(batches, Batch{Revokes: b.Revokes[i : i+1]})
	}
	for i := range b.IdentityChanges {
		batches = append(batches, Batch{IdentityChanges: b.IdentityChanges[i : i+1]})
	}
	for i := range b.Echoes {
		batches = append(batches, Batch{Echoes: b.Echoes[i : i+1]})
	}
	for i := range b.Preferences {
		batches = append(batches, Batch{Preferences: b.Preferences[i : i+1]})
	}
	for i := range b.Unhandled {
		batches = append(batches, Batch{Unhandled: b.Unhandled[i : i+1]})
	}
	return batches
}
