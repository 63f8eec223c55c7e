package webhook

import "time"

// sentAt returns the time of a timestamp. A timestamp that is missing or
// unreadable counts as the time of receipt.
func (d *decoder) sentAt(timestamp scalar) time.Time {
	if t, ok := timestamp.unixTime(); ok {
		return t
	}
	return d.receivedAt
}

// sentHour returns the hour of a timestamp in UTC. It does not depend on the time
// of receipt, because every copy of a message must have the same hour.
func sentHour(timestamp scalar) time.Time {
	t, ok := timestamp.unixTime()
	if !ok {
		t = time.Unix(0, 0)
	}
	return t.UTC().Truncate(time.Hour)
}

// wrongTime returns why an item cannot have been sent at a time, or "" if it can.
// Meta drops a delivery after its last retry, so an older item is a replay or an
// example.
func (d *decoder) wrongTime(sentAt time.Time) string {
	switch {
	case sentAt.Before(d.receivedAt.Add(-RetryPeriod - ClockSkew)):
		return "older than Meta's retries"
	case sentAt.After(d.receivedAt.Add(ClockSkew)):
		return "dated in the future"
	default:
		return ""
	}
}
