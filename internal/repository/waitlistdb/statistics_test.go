package waitlistdb

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// openReads opens the pool for lists.
func openReads(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.OpenForReads(t.Context(), sensitive.NewSecret(url))
	if err != nil {
		t.Fatalf("open the pool for lists: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestCounts_Statistics(t *testing.T) {
	t.Parallel()
	url := testdb.New(t)
	pool := testdb.Connect(t, url)
	counts := NewCounts(pool, openReads(t, url))
	// A day in Nairobi begins at 21:00 UTC.
	testdb.Exec(t, pool, `
		INSERT INTO waitlist_entry (phone_number, username, source, status, created_at)
		VALUES ('+254700000001', 'a', NULL,    'waiting', '2026-11-25 20:59:59.9Z'),
		       ('+254700000002', 'b', 'radio', 'waiting', '2026-11-25 21:00:00Z'),
		       ('+254700000003', 'c', NULL,    'waiting', '2026-11-26 12:00:00Z'),
		       ('+254700000004', 'd', 'radio', 'invited', '2026-11-26 20:59:59.9Z'),
		       ('+254700000005', 'e', 'radio', 'removed', '2026-11-26 21:00:00Z')`)
	day := func(day int) *time.Time {
		at := time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)
		return &at
	}
	rows := func(values ...any) (rows []waitlist.StatisticsRow) {
		for i := 0; i < len(values); i += 2 {
			row := waitlist.StatisticsRow{N: int64(values[i+1].(int))}
			if value, ok := values[i].(string); ok {
				row.Value = &value
			}
			rows = append(rows, row)
		}
		return rows
	}
	for _, counted := range []bool{false, true} {
		if counted {
			if _, err := counts.Count(t.Context()); err != nil {
				t.Fatalf("Count: %v", err)
			}
		}
		for name, tt := range map[string]struct {
			filter waitlist.StatisticsFilter
			want   []waitlist.StatisticsRow
		}{
			"by_day":    {waitlist.StatisticsFilter{By: waitlist.ByDay}, rows("2026-11-25", 1, "2026-11-26", 3, "2026-11-27", 1)},
			"by_source": {waitlist.StatisticsFilter{By: waitlist.BySource}, rows("radio", 3, nil, 2)},
			"by_status": {waitlist.StatisticsFilter{By: waitlist.ByStatus}, rows("waiting", 3, "invited", 1, "removed", 1)},
			"from":      {waitlist.StatisticsFilter{By: waitlist.ByDay, From: day(26)}, rows("2026-11-26", 3, "2026-11-27", 1)},
			"to":        {waitlist.StatisticsFilter{By: waitlist.BySource, To: day(26)}, rows(nil, 2, "radio", 2)},
			"one_day":   {waitlist.StatisticsFilter{By: waitlist.ByStatus, From: day(27), To: day(27)}, rows("removed", 1)},
			"nothing":   {waitlist.StatisticsFilter{By: waitlist.BySource, From: day(28)}, nil},
		} {
			before := time.Now()
			got, err := counts.Statistics(t.Context(), tt.filter)
			if err != nil {
				t.Fatalf("%s, counted %t: %v", name, counted, err)
			}
			if diff := cmp.Diff(tt.want, got.Rows, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s, counted %t: rows (-want +got):\n%s", name, counted, diff)
			}
			if d := got.AsOf.Sub(before); d < -time.Second || d > time.Minute {
				t.Errorf("%s, counted %t: AsOf is %v, want the time of the call, %v", name, counted, got.AsOf, before)
			}
		}
	}
}
