package waitlist

import (
	"context"
	"time"

	"aisha/internal/resource"
)

// Grouping is what statistics count entries by.
type Grouping string

// The groupings.
const (
	ByDay    Grouping = "day" // of the sign-up, in Africa/Nairobi
	BySource Grouping = "source"
	ByStatus Grouping = "status"
)

// StatisticsFilter selects statistics. From and To are days of sign-ups in
// Africa/Nairobi, both included, of which only the date counts; nil: no limit.
type StatisticsFilter struct {
	By       Grouping
	From, To *time.Time
}

// Statistics are numbers of entries.
type Statistics struct {
	Rows []StatisticsRow // days in ascending order; sources and statuses with the highest number first
	AsOf time.Time
}

// StatisticsRow is the number of entries with one value.
type StatisticsRow struct {
	Value *string // a day such as 2026-11-27, a source or a status; nil: without a source
	N     int64   // from 1 on
}

// StatisticsStore reads statistics. Errors: fault.Unavailable.
type StatisticsStore interface {
	Statistics(ctx context.Context, filter StatisticsFilter) (Statistics, error)
}

// Reports reports on the list as a whole.
type Reports struct{ store StatisticsStore }

// NewReports returns a Reports.
func NewReports(store StatisticsStore) *Reports { return &Reports{store: store} }

// Statistics returns how many entries there are by day, source or status. Errors:
// fault.Unavailable.
func (r *Reports) Statistics(ctx context.Context, filter StatisticsFilter) resource.Resource[Statistics] {
	return resource.From(r.store.Statistics(ctx, filter))
}
