package waitlistdb

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/operator"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/service/waitlist"
)

// Exports reads the list for exports. It implements waitlist.ExportStore.
type Exports struct{ pool, reads *pgxpool.Pool }

// NewExports returns an Exports. reads is a pool for lists.
func NewExports(pool, reads *pgxpool.Pool) *Exports { return &Exports{pool: pool, reads: reads} }

// EntriesAfter implements waitlist.ExportStore.
func (e *Exports) EntriesAfter(ctx context.Context, filter waitlist.Filter, after int64, limit int) ([]waitlist.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()
	selected, args := conditions(filter)
	args["after"], args["limit"] = after, limit
	rows, err := e.reads.Query(ctx, `
		SELECT `+entryColumns+`
		FROM `+entryTables+`
		WHERE `+selected+`
		  AND entry.id > @after
		ORDER BY entry.id
		LIMIT @limit`, args)
	if err != nil {
		return nil, fmt.Errorf("read entries for an export: %w", postgres.Translate(err))
	}
	entries, err := pgx.AppendRows(make([]waitlist.Entry, 0, limit), rows, scanEntry)
	if err != nil {
		return nil, fmt.Errorf("read entries for an export: %w", postgres.Translate(err))
	}
	return entries, nil
}

// RecordExport implements waitlist.ExportStore.
func (e *Exports) RecordExport(ctx context.Context, request waitlist.ExportRequest) error {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()
	return operatordb.Record(ctx, e.pool, operator.Event{
		Action:  "list.exported",
		Subject: "list",
		Details: map[string]any{"format": request.Format, "filter": filterDetails(request.Filter)},
	})
}

// filterDetails describes a filter in the audit, with the names of its parameters. The
// text of a search is masked.
func filterDetails(filter waitlist.Filter) map[string]any {
	details := map[string]any{}
	if !filter.Query.IsZero() {
		details["q"] = filter.Query.String()
	}
	if filter.Statuses != nil {
		details["status"] = filter.Statuses
	}
	if filter.Source != nil {
		details["source"] = *filter.Source
	}
	if filter.Verified != nil {
		details["verified"] = *filter.Verified
	}
	if filter.ReferrerID != nil {
		details["referrer"] = *filter.ReferrerID
	}
	if filter.JoinedAfter != nil {
		details["joined_after"] = filter.JoinedAfter.Format(time.RFC3339Nano)
	}
	if filter.JoinedBefore != nil {
		details["joined_before"] = filter.JoinedBefore.Format(time.RFC3339Nano)
	}
	return details
}
