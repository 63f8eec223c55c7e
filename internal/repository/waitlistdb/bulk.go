package waitlistdb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/operator"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
	"aisha/internal/service/operation"
	"aisha/internal/service/waitlist"
)

// BulkKind is the kind of the operations that StartBulk starts.
const BulkKind = "bulk"

// sampleSize is how many ids of matching entries are returned.
const sampleSize = 10

// Match implements waitlist.TransitionStore. A filter is read from the pool for
// lists.
func (t *Transitions) Match(ctx context.Context, selection waitlist.Selection, change waitlist.StatusChange) (waitlist.Matches, error) {
	match := t.matchFilter
	if selection.Filter == nil {
		match = t.matchIDs
	}
	matches, err := match(ctx, selection, change)
	if err != nil {
		return waitlist.Matches{}, fmt.Errorf("count the entries of a bulk action: %w", postgres.Translate(err))
	}
	return matches, nil
}

func (t *Transitions) matchIDs(ctx context.Context, selection waitlist.Selection, change waitlist.StatusChange) (matches waitlist.Matches, err error) {
	err = postgres.On(ctx, t.pool).QueryRow(ctx, `
		SELECT count(*), coalesce((array_agg(id ORDER BY id))[:$3], '{}')
		FROM waitlist_entry
		WHERE id = ANY ($1) AND status = ANY ($2::text[]::waitlist_status[])`,
		selection.IDs, change.From, sampleSize,
	).Scan(&matches.N, &matches.Sample)
	return matches, err
}

func (t *Transitions) matchFilter(ctx context.Context, selection waitlist.Selection, change waitlist.StatusChange) (waitlist.Matches, error) {
	filter := withStatuses(*selection.Filter, change.From)
	matches := waitlist.Matches{Sample: []int64{}}
	where, args, err := bulkConditions(ctx, t.reads, filter)
	if err != nil {
		return matches, err
	}
	count := `SELECT count(*) FROM ` + entryTables + ` WHERE ` + where
	if isCounted(filter) {
		// Only the newest entries are not in waitlist_stat. counted_to only grows, so
		// the value that was read before lets the planner know that they are few.
		var countedTo int64
		if err := t.reads.QueryRow(ctx, `SELECT counted_to FROM waitlist_counted`).Scan(&countedTo); err != nil {
			return matches, err
		}
		args["counted_to"] = countedTo
		count = `
			SELECT (SELECT coalesce(sum(n), 0)::bigint FROM waitlist_stat AS entry WHERE ` + where + `)
			     + (SELECT count(*) FROM waitlist_entry AS entry
			        WHERE entry.id > @counted_to AND entry.id > (SELECT counted_to FROM waitlist_counted) AND ` + where + `)`
	}
	if err := t.reads.QueryRow(ctx, count, args).Scan(&matches.N); err != nil || matches.N == 0 {
		return matches, err
	}
	args["sample_size"] = sampleSize
	rows, err := t.reads.Query(ctx, `
		SELECT entry.id FROM `+entryTables+` WHERE `+where+` ORDER BY entry.id LIMIT @sample_size`, args)
	if err != nil {
		return matches, err
	}
	matches.Sample, err = pgx.CollectRows(rows, pgx.RowTo[int64])
	return matches, err
}

// bulkConditions returns the WHERE clause for a filter, and its arguments.
func bulkConditions(ctx context.Context, db postgres.Querier, filter waitlist.Filter) (sql string, args pgx.NamedArgs, err error) {
	sql, args = conditions(filter)
	ids, err := idRange(ctx, db, filter, args)
	return sql + ids, args, err
}

// withStatuses returns the filter that also requires one of the statuses.
func withStatuses(filter waitlist.Filter, statuses []waitlist.Status) waitlist.Filter {
	both := []waitlist.Status{}
	for _, status := range statuses {
		if filter.Statuses == nil || slices.Contains(filter.Statuses, status) {
			both = append(both, status)
		}
	}
	filter.Statuses = both
	return filter
}

// isCounted reports whether the filter requires statuses and a source only, which
// waitlist_stat counts.
func isCounted(f waitlist.Filter) bool {
	return !f.HasSearch() && f.Verified == nil && f.ReferrerID == nil && f.JoinedAfter == nil && f.JoinedBefore == nil
}

// bulkArgs are the stored arguments of an operation.
type bulkArgs struct {
	Action waitlist.BulkAction `json:"action"`
	IDs    []int64             `json:"ids,omitempty"`
	Filter *bulkFilter         `json:"filter,omitempty"`
	UpTo   int64               `json:"up_to,omitempty"` // the highest id that the filter may select
}

// bulkFilter is the stored form of a waitlist.Filter.
type bulkFilter struct {
	Query        string            `json:"q,omitempty"`
	Statuses     []waitlist.Status `json:"status,omitzero"` // an empty list selects nothing
	Source       *string           `json:"source,omitempty"`
	Verified     *bool             `json:"verified,omitempty"`
	ReferrerID   *int64            `json:"referrer,omitempty"`
	JoinedAfter  *time.Time        `json:"joined_after,omitempty"`
	JoinedBefore *time.Time        `json:"joined_before,omitempty"`
}

func newBulkFilter(f waitlist.Filter) *bulkFilter {
	return &bulkFilter{
		Query: f.Query.Reveal(), Statuses: f.Statuses, Source: f.Source, Verified: f.Verified, ReferrerID: f.ReferrerID,
		JoinedAfter: f.JoinedAfter, JoinedBefore: f.JoinedBefore,
	}
}

func (f bulkFilter) filter() waitlist.Filter {
	return waitlist.Filter{
		Query: sensitive.NewText(f.Query), Statuses: f.Statuses, Source: f.Source, Verified: f.Verified, ReferrerID: f.ReferrerID,
		JoinedAfter: f.JoinedAfter, JoinedBefore: f.JoinedBefore,
	}
}

// RecordSearch implements waitlist.TransitionStore, in the transaction of ctx.
func (t *Transitions) RecordSearch(ctx context.Context, filter waitlist.Filter, matches int64) error {
	return operatordb.Record(ctx, postgres.On(ctx, t.pool), operator.Event{
		Action: "list.searched", Subject: "list",
		Details: map[string]any{"q": filter.MaskedQuery(), "entries": matches},
	})
}

// StartBulk implements waitlist.TransitionStore, in the transaction of ctx.
func (t *Transitions) StartBulk(ctx context.Context, bulk waitlist.StartedBulk) (location string, err error) {
	args := bulkArgs{Action: bulk.Action, IDs: bulk.Selection.IDs}
	details := map[string]any{"action": bulk.Action, "matches": bulk.Matches}
	db := postgres.On(ctx, t.pool)
	if filter := bulk.Selection.Filter; filter != nil {
		args.Filter = newBulkFilter(*filter)
		if err := db.QueryRow(ctx, `SELECT coalesce(max(id), 0) FROM waitlist_entry`).Scan(&args.UpTo); err != nil {
			return "", fmt.Errorf("read the highest id: %w", postgres.Translate(err))
		}
		masked := *args.Filter
		if filter.HasSearch() {
			masked.Query = filter.MaskedQuery()
		}
		details["filter"] = masked
	} else {
		details["ids"] = len(args.IDs)
	}
	id, err := operatordb.NewOperations(t.pool).Start(ctx, BulkKind, args, &bulk.Matches)
	if err != nil {
		return "", err
	}
	err = operatordb.Record(ctx, db, operator.Event{Action: "bulk.started", Subject: "bulk", SubjectID: id, Details: details})
	return operation.Location(id), err
}

// bulkChunk is how many entries a chunk changes.
const bulkChunk = 500

// Open implements operation.Runner for operations of BulkKind.
func (t *Transitions) Open(_ context.Context, op operation.Operation) (operation.Chunks, error) {
	chunks := bulkChunks{transitions: t}
	if err := json.Unmarshal(op.Args, &chunks.args); err != nil {
		return nil, fmt.Errorf("read the arguments of operation %d: %w", op.ID, err)
	}
	return chunks, nil
}

// bulkChunks changes the statuses of the entries of one bulk action, in the order of
// their ids.
type bulkChunks struct {
	transitions *Transitions
	args        bulkArgs
}

type bulkCursor struct {
	After   int64 `json:"after"` // the last id of the chunk before
	Changed int64 `json:"changed"`
	Skipped int64 `json:"skipped"`
}

type bulkResult struct {
	Changed int64 `json:"changed"`
	Skipped int64 `json:"skipped"`
}

// Next implements operation.Chunks.
func (c bulkChunks) Next(ctx context.Context, op operation.Operation) (operation.Step, error) {
	var cursor bulkCursor
	if err := json.Unmarshal(op.Cursor, &cursor); err != nil {
		return operation.Step{}, fmt.Errorf("read the cursor of operation %d: %w", op.ID, err)
	}
	db := postgres.On(ctx, c.transitions.pool)
	change := c.args.Action.Change()
	ids, err := c.nextIDs(ctx, db, cursor.After)
	if err != nil {
		return operation.Step{}, err
	}
	changed, err := changeAndRecord(ctx, db, ids, change)
	if err != nil {
		return operation.Step{}, err
	}
	if len(ids) > 0 {
		cursor.After = ids[len(ids)-1]
	}
	cursor.Changed += int64(len(changed))
	cursor.Skipped += int64(len(ids) - len(changed))
	step := operation.Step{Cursor: cursor, Done: int64(len(changed))}
	if len(ids) < bulkChunk {
		step.Result = bulkResult{Changed: cursor.Changed, Skipped: cursor.Skipped}
	}
	return step, nil
}

// nextIDs returns the ids of the next chunk.
func (c bulkChunks) nextIDs(ctx context.Context, db postgres.Querier, after int64) ([]int64, error) {
	if c.args.Filter == nil {
		begin, found := slices.BinarySearch(c.args.IDs, after)
		if found {
			begin++
		}
		rest := c.args.IDs[begin:]
		return rest[:min(len(rest), bulkChunk)], nil
	}
	// The filter needs a plan of its own, see postgres.OpenForReads.
	if _, err := db.Exec(ctx, `
		SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'on', true)`); err != nil {
		return nil, fmt.Errorf("set the planner: %w", postgres.Translate(err))
	}
	where, args, err := bulkConditions(ctx, db, withStatuses(c.args.Filter.filter(), c.args.Action.Change().From))
	if err != nil {
		return nil, fmt.Errorf("read the entries of a bulk action: %w", postgres.Translate(err))
	}
	args["after"], args["up_to"], args["chunk"] = after, c.args.UpTo, bulkChunk
	rows, err := db.Query(ctx, `
		SELECT entry.id FROM `+entryTables+`
		WHERE `+where+` AND entry.id > @after AND entry.id <= @up_to
		ORDER BY entry.id
		LIMIT @chunk`, args)
	if err != nil {
		return nil, fmt.Errorf("read the entries of a bulk action: %w", postgres.Translate(err))
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("read the entries of a bulk action: %w", postgres.Translate(err))
	}
	return ids, nil
}
