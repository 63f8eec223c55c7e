package handler

import (
	"fmt"
	"unicode/utf8"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// maxSource is the longest source of a sign-up, in characters.
const maxSource = 64

// parseFilter parses the parameters that select entries.
func parseFilter(q *query) waitlist.Filter {
	filter := waitlist.Filter{
		Query:        sensitive.NewText(q.text("q")),
		JoinedAfter:  q.time("joined_after"),
		JoinedBefore: q.time("joined_before"),
	}
	for _, status := range q.someOf("status", statusNames()...) {
		filter.Statuses = append(filter.Statuses, waitlist.Status(status))
	}
	if source := q.text("source"); source != "" {
		filter.Source = &source
		if utf8.RuneCountInString(source) > maxSource {
			q.reject("source", fault.FieldTooLong, fmt.Sprintf("must have at most %d characters", maxSource))
		}
	}
	if verified := q.oneOf("verified", "", "true", "false"); verified != "" {
		isVerified := verified == "true"
		filter.Verified = &isVerified
	}
	if referrer := q.integer("referrer", 0, maxID); referrer != 0 {
		filter.ReferrerID = &referrer
	}
	if filter.JoinedAfter != nil && filter.JoinedBefore != nil && filter.JoinedAfter.After(*filter.JoinedBefore) {
		q.reject("joined_before", fault.FieldInvalidValue, "must be later than joined_after")
	}
	return filter
}

func statusNames() []string {
	var names []string
	for _, status := range waitlist.Statuses() {
		names = append(names, string(status))
	}
	return names
}
