package waitlistdb

import (
	"context"
	"math"
	"strings"

	"github.com/jackc/pgx/v5"

	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// entryColumns and entryTables belong together; scanEntry reads the columns.
const (
	entryColumns = `entry.id, username, phone_number, status, source, note, verified_at, entry.created_at,
		invited_at, joined_at, removed_at, referrer_id, entry.xmin::text, coalesce(rank_id, entry.id), coalesce(rank_seq, 0)`
	entryTables = `waitlist_entry AS entry LEFT JOIN referral ON referee_id = entry.id`
)

func scanEntry(row pgx.CollectableRow) (waitlist.Entry, error) {
	var e waitlist.Entry
	var username, number string
	var note *string
	err := row.Scan(&e.ID, &username, &number, &e.Status, &e.Source, &note, &e.VerifiedAt, &e.CreatedAt,
		&e.InvitedAt, &e.JoinedAt, &e.RemovedAt, &e.ReferrerID, &e.Version, &e.Rank.ID, &e.Rank.Seq)
	e.Username, e.PhoneNumber, e.Note = sensitive.NewText(username), sensitive.NewPhone(number), asText(note)
	return e, err
}

// conditions returns the WHERE clause for a filter over entryTables, without the word
// WHERE, and its arguments. Each filter has a statement of its own, because one with
// optional parameters reads the whole table.
func conditions(filter waitlist.Filter) (sql string, args pgx.NamedArgs) {
	args = pgx.NamedArgs{}
	all := []string{"true"}
	add := func(condition, name string, value any) {
		all = append(all, condition)
		args[name] = value
	}
	if filter.Statuses != nil {
		all = append(all, statusCondition(filter.Statuses, args))
	}
	if filter.Source != nil {
		add(`source = @source`, "source", *filter.Source)
	}
	if filter.Verified != nil {
		// The index on verified entries needs this form.
		all = append(all, map[bool]string{true: `verified_at IS NOT NULL`, false: `verified_at IS NULL`}[*filter.Verified])
	}
	if filter.ReferrerID != nil {
		add(`referrer_id = @referrer_id`, "referrer_id", *filter.ReferrerID)
	}
	if filter.JoinedAfter != nil {
		add(`entry.created_at >= @joined_after`, "joined_after", *filter.JoinedAfter)
	}
	if filter.JoinedBefore != nil {
		add(`entry.created_at < @joined_before`, "joined_before", *filter.JoinedBefore)
	}
	if filter.HasSearch() {
		all = append(all, `entry.id IN (`+newSearchSQL(filter.Search(), args).found+`)`)
	}
	return strings.Join(all, " AND "), args
}

// statusCondition returns the condition for one of the statuses. Each status has a
// parameter of its own: the index on statuses cannot be used for a list that is cast.
func statusCondition(statuses []waitlist.Status, args pgx.NamedArgs) string {
	if len(statuses) == 0 {
		return `false`
	}
	names := make([]string, len(statuses))
	for i, status := range statuses {
		names[i] = "@status_" + string(status)
		args["status_"+string(status)] = string(status)
	}
	return `status IN (` + strings.Join(names, ", ") + `)`
}

// idRange returns a condition, which begins with AND, for the ids that entries can have
// by the time of their sign-up, and adds its arguments to args. It is empty for a filter
// without times. Without it the whole table would be read, because created_at has no
// index.
func idRange(ctx context.Context, db postgres.Querier, filter waitlist.Filter, args pgx.NamedArgs) (sql string, err error) {
	if filter.JoinedAfter == nil && filter.JoinedBefore == nil {
		return "", nil
	}
	var from, to int64
	// 4,096 is the tolerance of waitlist_id_at. The transaction of a sign-up takes
	// seconds.
	err = db.QueryRow(ctx, `
		SELECT coalesce(waitlist_id_at($1::timestamptz - interval '10 minutes'), 0),
		       coalesce(waitlist_id_at($2::timestamptz + interval '10 minutes') + 4096, $3)`,
		filter.JoinedAfter, filter.JoinedBefore, int64(math.MaxInt64)).Scan(&from, &to)
	args["from_id"], args["to_id"] = from, to
	return ` AND entry.id BETWEEN @from_id AND @to_id`, err
}
