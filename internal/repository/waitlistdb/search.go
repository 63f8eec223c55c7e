package waitlistdb

import (
	"strings"

	"github.com/jackc/pgx/v5"

	"aisha/internal/service/waitlist"
)

// searchSQL is a search as SQL.
type searchSQL struct {
	// found is a SELECT of the ids of all entries that are found, each once.
	found string
	// matches is the condition for one entry, with the columns username, phone_number
	// and words. words is NULL where waitlist_search does not have the entry's name.
	matches string
}

// newSearchSQL returns the SQL of a search and adds its arguments to args.
//
// waitlist_search has the entries up to counted_to, but not yet the new names of those
// in waitlist_search_pending. The entries after counted_to are few, except during a
// large import; then only the newest 20,000 of them are searched.
func newSearchSQL(search waitlist.Search, args pgx.NamedArgs) searchSQL {
	if search.IsZero() {
		return searchSQL{found: `SELECT NULL::bigint AS id WHERE false`, matches: `false`}
	}
	const (
		namePattern = `waitlist_name_pattern(@search_name)`
		hasPrefix   = `phone_number LIKE @search_prefix || '%'`
	)
	var byPrefix, notByPrefix string
	var indexed, matches []string
	if !search.NumberPrefix.IsZero() {
		args["search_prefix"] = search.NumberPrefix.Reveal()
		matches = append(matches, hasPrefix)
		byPrefix = `
			SELECT id FROM waitlist_entry WHERE ` + hasPrefix + `
			UNION ALL`
		notByPrefix = ` AND NOT ` + hasPrefix
	}
	if !search.NumberSuffix.IsZero() {
		args["search_suffix"] = search.NumberSuffix.Reveal()
		matches = append(matches, `phone_number LIKE '%' || @search_suffix`)
		indexed = append(indexed, `words LIKE '%' || @search_suffix`)
	}
	if !search.Name.IsZero() {
		args["search_name"] = search.Name.Reveal()
		matches = append(matches, `coalesce(words, waitlist_search_words(username, phone_number)) LIKE `+namePattern)
		indexed = append(indexed, `words LIKE `+namePattern)
	}
	anyMatches := `(` + strings.Join(matches, " OR ") + `)`
	return searchSQL{
		matches: anyMatches,
		found: byPrefix + `
			SELECT id
			FROM (SELECT entry_id AS id, '+' || substring(words FROM '[0-9]*$') AS phone_number
			      FROM waitlist_search
			      WHERE (` + strings.Join(append(indexed, "false"), " OR ") + `)
			        AND NOT EXISTS (SELECT FROM waitlist_search_pending AS pending WHERE pending.entry_id = waitlist_search.entry_id)
			      OFFSET 0) AS indexed
			WHERE true` + notByPrefix + `
			UNION ALL
			SELECT id
			FROM (SELECT id, username, phone_number, NULL AS words
			      FROM waitlist_entry
			      WHERE id > (SELECT counted_to FROM waitlist_counted)
			      ORDER BY id DESC
			      LIMIT 20000) AS uncounted
			WHERE ` + anyMatches + notByPrefix + `
			UNION ALL
			SELECT id
			FROM (SELECT id, username, phone_number, NULL AS words
			      FROM waitlist_search_pending JOIN waitlist_entry ON id = entry_id
			      WHERE entry_id <= (SELECT counted_to FROM waitlist_counted)
			      LIMIT 20000) AS renamed
			WHERE ` + anyMatches + notByPrefix,
	}
}
