package waitlistdb

import (
	"strings"

	"github.com/jackc/pgx/v5"
)

// searchCondition returns the condition that selects the entries found by text, and
// adds its arguments to args. The text is part of a name, or the beginning or end of a
// number in any form.
func searchCondition(text string, args pgx.NamedArgs) string {
	matches := []string{`SELECT entry_id FROM waitlist_search WHERE words LIKE '%' || waitlist_fold(@search_name) || '%'`}
	args["search_name"] = escapeLike(text)
	if digits, isNumber := numberDigits(text); isNumber {
		matches = append(matches, `SELECT id FROM waitlist_entry WHERE phone_number LIKE @search_prefix || '%'`)
		args["search_prefix"] = "+" + internationalDigits(text, digits)
	}
	return `entry.id IN (` + strings.Join(matches, " UNION ALL ") + `)`
}

// escapeLike escapes the wildcards of LIKE.
func escapeLike(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

// numberDigits returns the digits of a text that has only digits and what people
// write between them.
func numberDigits(text string) (digits string, isNumber bool) {
	digits = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
	return digits, digits != "" && strings.Trim(text, "0123456789 +-().") == ""
}

// internationalDigits returns the digits as they stand after the plus of a Kenyan
// number.
func internationalDigits(text, digits string) string {
	switch {
	case strings.Contains(text, "+"), strings.HasPrefix(digits, "254"):
		return digits
	case strings.HasPrefix(digits, "00"):
		return strings.TrimPrefix(digits, "00")
	default:
		return "254" + strings.TrimPrefix(digits, "0")
	}
}
