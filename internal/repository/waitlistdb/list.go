package waitlistdb

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/operator"
	"aisha/internal/page"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/service/waitlist"
)

// ManagedEntries reads and updates entries for operators. It implements
// waitlist.EntryStore.
type ManagedEntries struct{ pool, reads *pgxpool.Pool }

// NewManagedEntries returns a ManagedEntries. reads is a pool for lists.
func NewManagedEntries(pool, reads *pgxpool.Pool) *ManagedEntries {
	return &ManagedEntries{pool: pool, reads: reads}
}

// searchWalk is how many entries of a list are read in its order to find those of a
// search. It takes as long as to look up a name in the index.
const searchWalk = 5_000

// List implements waitlist.EntryStore.
func (m *ManagedEntries) List(ctx context.Context, filter waitlist.Filter, order waitlist.Order, request page.Request) (page.Page[waitlist.Entry], error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()

	p, err := m.list(ctx, filter, order, request)
	if err != nil {
		return p, fmt.Errorf("list entries: %w", postgres.Translate(err))
	}
	if filter.HasSearch() {
		err = operatordb.Record(ctx, postgres.On(ctx, m.pool), operator.Event{
			Action: "list.searched", Subject: "list",
			Details: map[string]any{"q": filter.MaskedQuery(), "entries": len(p.Items)},
		})
	}
	return p, err
}

func (m *ManagedEntries) list(ctx context.Context, filter waitlist.Filter, order waitlist.Order, request page.Request) (p page.Page[waitlist.Entry], err error) {
	q := newListSQL(filter, order, request)
	if err := m.addIDRange(ctx, q); err != nil {
		return p, err
	}
	entries, err := m.read(ctx, q)
	if err != nil {
		return p, err
	}
	p = page.New(entries, request.Limit, order.Key)
	if request.Count {
		var n int
		err = m.reads.QueryRow(ctx, q.count(), q.args).Scan(&n)
		p.Count = page.NewCount(n)
	}
	return p, err
}

// addIDRange adds to the query which ids the entries can have by the time of their
// sign-up.
func (m *ManagedEntries) addIDRange(ctx context.Context, q *listSQL) error {
	condition, err := idRange(ctx, m.reads, q.filter, q.args)
	q.where += condition
	return err
}

// read returns the entries of the page, and one more if the list goes on.
//
// A search reads the list first, which finds a page of a common name soon. If that
// does not fill the page, it uses the index on names, which has few entries with a rare
// one. PostgreSQL's planner cannot choose between the two, because it does not know how
// common a part of a name is.
func (m *ManagedEntries) read(ctx context.Context, q *listSQL) ([]waitlist.Entry, error) {
	if q.search == nil {
		return m.readPage(ctx, q, q.walk("@limit"))
	}
	entries, err := m.readPage(ctx, q, q.searchedWalk())
	if err != nil || len(entries) == q.limit {
		return entries, err
	}
	var walked int
	if err := m.reads.QueryRow(ctx, `SELECT count(*) FROM (`+q.walk("@walk")+`) AS walk`, q.args).Scan(&walked); err != nil {
		return nil, err
	}
	if walked < searchWalk {
		return entries, nil // that was the whole list
	}
	return m.readPage(ctx, q, q.found())
}

// readPage returns the entries that pageSQL selects, a SELECT of the columns id, key1
// and key2.
func (m *ManagedEntries) readPage(ctx context.Context, q *listSQL, pageSQL string) ([]waitlist.Entry, error) {
	rows, err := m.reads.Query(ctx, `
		WITH page AS MATERIALIZED (SELECT id, key1, key2 FROM (`+pageSQL+`) AS page)
		SELECT `+entryColumns+`
		FROM page, `+entryTables+`
		WHERE entry.id = page.id
		ORDER BY `+q.orderOf("page"), q.args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanEntry)
}

// listSQL builds the statements of one list. They select the columns id, key1 and key2;
// for waitlist.ByPosition the key of an entry is key1, key2 and id.
type listSQL struct {
	filter waitlist.Filter // without the search
	where  string          // conditions that are the same for all statuses
	search *searchSQL      // nil: none
	order  waitlist.Order
	limit  int // entries of a page, and one more
	args   pgx.NamedArgs
}

func newListSQL(filter waitlist.Filter, order waitlist.Order, request page.Request) *listSQL {
	q := &listSQL{filter: filter, order: order, limit: request.Limit + 1}
	search, hasSearch := filter.Search(), filter.HasSearch()
	q.filter.Query = waitlist.Filter{}.Query
	withoutStatuses := q.filter
	withoutStatuses.Statuses = nil
	q.where, q.args = conditions(withoutStatuses)
	if hasSearch {
		built := newSearchSQL(search, q.args)
		q.search = &built
	}
	q.args["limit"], q.args["walk"], q.args["count"] = q.limit, searchWalk, page.CountLimit+1
	after := request.After
	switch {
	case order == waitlist.ByPosition && after == nil:
		after = []int64{0, 0, 0}
	case order == waitlist.Newest && after == nil:
		after = []int64{math.MaxInt64}
	case after == nil:
		after = []int64{0}
	}
	q.args["after_id"] = after[len(after)-1]
	if order == waitlist.ByPosition {
		q.args["after_rank"], q.args["after_seq"] = after[0], after[1]
	}
	return q
}

// orderOf returns the ORDER BY of rows with the columns id, key1 and key2.
func (q *listSQL) orderOf(table string) string {
	switch q.order {
	case waitlist.ByPosition:
		return table + `.key1, ` + table + `.key2, ` + table + `.id`
	case waitlist.Newest:
		return table + `.id DESC`
	default:
		return table + `.id`
	}
}

// afterID is the condition for the entries after the page before, in an order by id.
func (q *listSQL) afterID(id string) string {
	if q.order == waitlist.Newest {
		return id + ` < @after_id`
	}
	return id + ` > @after_id`
}

// walk selects the next entries of the list without its search. limit is an SQL
// expression.
//
// It merges lists of which each has an index in its order. An index on statuses and
// ids has the order of the ids for one status only, and there is none on the ranks of
// all entries, because every sign-up would write to it.
func (q *listSQL) walk(limit string) string {
	var lists []string
	for _, status := range q.statusConditions() {
		lists = append(lists, q.listsOf(status)...)
	}
	for i := range lists {
		lists[i] = `(` + lists[i] + ` LIMIT ` + limit + `)`
	}
	return `
		SELECT * FROM (` + strings.Join(lists, " UNION ALL ") + `) AS merged
		ORDER BY ` + q.orderOf("merged") + `
		LIMIT ` + limit
}

// statusConditions returns a condition for each status of the filter. It is a range,
// because PostgreSQL then sorts by status and id, and uses the index on both. For an
// equality it may read the whole list by id, if the entries of a status are far apart.
func (q *listSQL) statusConditions() []string {
	if q.filter.Statuses == nil {
		return []string{`true`}
	}
	var all []string
	for _, status := range q.filter.Statuses {
		name := "status_" + string(status)
		q.args[name] = string(status)
		if status == waitlist.Waiting { // has no index
			all = append(all, `status = @`+name)
		} else {
			all = append(all, `status >= @`+name+` AND status <= @`+name)
		}
	}
	return all
}

// listsOf returns the lists of one status, sorted and without a limit.
func (q *listSQL) listsOf(status string) []string {
	const columns = `entry.id, entry.id AS key1, 0::bigint AS key2, username, phone_number`
	where := q.where + ` AND ` + status
	sorted, isRange := `entry.id`, strings.Contains(status, ">=")
	if isRange {
		sorted = `status, entry.id`
	}
	if q.order == waitlist.Newest {
		sorted = strings.ReplaceAll(sorted+" DESC", ",", " DESC,")
	}
	if q.order != waitlist.ByPosition {
		return []string{`
			SELECT ` + columns + `
			FROM ` + entryTables + `
			WHERE ` + where + ` AND ` + q.afterID("entry.id") + `
			ORDER BY ` + sorted}
	}
	const unranked = `rank_id IS NULL
			  AND entry.id >= @after_rank AND (entry.id, 0::bigint, entry.id) > (@after_rank, @after_seq, @after_id)`
	ranked := `
			SELECT entry.id, rank_id AS key1, rank_seq AS key2, username, phone_number
			FROM ` + entryTables + `
			WHERE ` + where + ` AND rank_id IS NOT NULL
			  AND (rank_id, rank_seq, entry.id) > (@after_rank, @after_seq, @after_id)
			ORDER BY rank_id, rank_seq, entry.id`
	if !q.isWaitingOnly() {
		return []string{ranked, `
			SELECT ` + columns + `
			FROM ` + entryTables + `
			WHERE ` + where + ` AND ` + unranked + `
			ORDER BY ` + sorted}
	}
	// Most entries at the beginning of the list may have left it. The counts of the
	// blocks show where others wait.
	return []string{ranked, `
			SELECT entry.*
			FROM waitlist_block AS counts
			CROSS JOIN LATERAL (SELECT ` + columns + `
			                    FROM waitlist_entry AS entry
			                    WHERE ` + where + ` AND ` + unranked + `
			                      AND entry.id >= counts.block << 10 AND entry.id < (counts.block + 1) << 10
			                      AND entry.id <= (SELECT counted_to FROM waitlist_counted)
			                    ORDER BY entry.id) AS entry
			WHERE counts.waiting > 0 AND counts.block >= @after_rank >> 10
			ORDER BY counts.block, entry.id`, `
			SELECT ` + columns + `
			FROM waitlist_entry AS entry
			WHERE ` + where + ` AND ` + unranked + `
			  AND entry.id > (SELECT counted_to FROM waitlist_counted)
			ORDER BY entry.id`}
}

// isWaitingOnly reports whether the list has all entries that wait, and no others.
func (q *listSQL) isWaitingOnly() bool {
	f := q.filter
	return len(f.Statuses) == 1 && f.Statuses[0] == waitlist.Waiting &&
		f.Source == nil && f.Verified == nil && f.ReferrerID == nil && f.JoinedAfter == nil && f.JoinedBefore == nil
}

// searchedWalk selects the entries of the search among the next searchWalk entries of
// the list. OFFSET 0 makes PostgreSQL look up each entry's words, and not read all.
func (q *listSQL) searchedWalk() string {
	return `
		SELECT walk.id, key1, key2
		FROM (` + q.walk("@walk") + `) AS walk
		LEFT JOIN LATERAL (SELECT words
		                   FROM waitlist_search AS search
		                   WHERE search.entry_id = walk.id
		                     AND NOT EXISTS (SELECT FROM waitlist_search_pending AS pending WHERE pending.entry_id = walk.id)
		                   OFFSET 0) AS search ON true
		WHERE ` + q.search.matches + `
		ORDER BY ` + q.orderOf("walk") + `
		LIMIT @limit`
}

// found selects the entries of the search by the indexes on names and numbers.
func (q *listSQL) found() string {
	after, sorted, sortedIDs := `(key1, key2, found.id) > (@after_rank, @after_seq, @after_id)`, `key1, key2, found.id`, ``
	if q.order != waitlist.ByPosition {
		after, sorted = q.afterID("found.id"), q.orderOf("found")
		sortedIDs = ` ORDER BY ` + sorted // so that only the entries of the page are read
	}
	return `
		SELECT found.id, key1, key2
		FROM (SELECT id FROM (` + q.search.found + `) AS found` + sortedIDs + `) AS found
		CROSS JOIN LATERAL (SELECT coalesce(rank_id, entry.id) AS key1, coalesce(rank_seq, 0) AS key2
		                    FROM ` + entryTables + `
		                    WHERE entry.id = found.id AND ` + q.where + ` AND ` + q.anyStatus() + `
		                    OFFSET 0) AS entry
		WHERE ` + after + `
		ORDER BY ` + sorted + `
		LIMIT @limit`
}

func (q *listSQL) anyStatus() string {
	if q.filter.Statuses == nil {
		return `true`
	}
	return statusCondition(q.filter.Statuses, q.args)
}

// count counts the list from its beginning, up to page.CountLimit + 1.
func (q *listSQL) count() string {
	matching := `
		SELECT FROM ` + entryTables + ` WHERE ` + q.where + ` AND ` + q.anyStatus()
	if q.search != nil {
		matching = `
		SELECT
		FROM (` + q.search.found + `) AS found
		CROSS JOIN LATERAL (` + matching + ` AND entry.id = found.id OFFSET 0) AS entry`
	}
	return `SELECT count(*) FROM (` + matching + ` LIMIT @count) AS matching`
}
