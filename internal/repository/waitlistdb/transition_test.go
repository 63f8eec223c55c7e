package waitlistdb

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/operator"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// transitionsOf returns the pool of a new database and the store that changes
// statuses in it.
func transitionsOf(t *testing.T) (*pgxpool.Pool, *Transitions) {
	t.Helper()
	url := testdb.New(t)
	reads, err := postgres.OpenForReads(t.Context(), sensitive.NewSecret(url))
	if err != nil {
		t.Fatalf("open the pool for lists: %v", err)
	}
	t.Cleanup(reads.Close)
	pool := testdb.Connect(t, url)
	return pool, NewTransitions(pool, reads)
}

// asOperator returns a context for calls on behalf of an operator.
func asOperator(t *testing.T) context.Context {
	t.Helper()
	return operator.WithAction(t.Context(), operator.Action{Caller: operator.Caller{Name: "wambui", All: true}, RequestID: "R1"})
}

// inAction calls act as a route that changes something does, and returns its error.
func inAction(ctx context.Context, pool *pgxpool.Pool, act func(context.Context) error) error {
	var err error
	_, runErr := operatordb.NewActions(pool).Run(ctx, operator.Attempt{}, func(ctx context.Context) operator.Answer {
		if err = act(ctx); err != nil {
			return operator.Answer{Status: http.StatusConflict}
		}
		return operator.Answer{Status: http.StatusOK}
	})
	if runErr != nil {
		return runErr
	}
	return err
}

// addEntries adds n entries that wait. Their ids are 1 to n in an empty database.
func addEntries(t *testing.T, pool *pgxpool.Pool, n int) {
	t.Helper()
	testdb.Exec(t, pool, `
		INSERT INTO waitlist_entry (username, phone_number)
		SELECT 'Person ' || n, '+2547' || lpad(n::text, 8, '0') FROM generate_series(1, $1) AS n`, n)
}

// addEntry adds an entry that came to the status through others. Its id must be the
// next one.
func addEntry(t *testing.T, pool *pgxpool.Pool, id int64, status waitlist.Status) {
	t.Helper()
	testdb.Exec(t, pool, `
		INSERT INTO waitlist_entry (username, phone_number, status, invited_at, joined_at, removed_at)
		VALUES ('Person', '+2547' || lpad($2::bigint::text, 8, '0'), $1::text::waitlist_status,
		        CASE WHEN $1 <> 'waiting' THEN '2026-01-01Z'::timestamptz END,
		        CASE WHEN $1 = 'joined' THEN '2026-01-02Z'::timestamptz END,
		        CASE WHEN $1 = 'removed' THEN '2026-01-03Z'::timestamptz END)`, status, id)
}

// listOrder returns the ids in the order of the list.
func listOrder(t *testing.T, pool *pgxpool.Pool) []int64 {
	t.Helper()
	rows, err := pool.Query(t.Context(), `
		SELECT id FROM waitlist_entry ORDER BY coalesce(rank_id, id), coalesce(rank_seq, 0), id`)
	if err != nil {
		t.Fatalf("read the list: %v", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatalf("read the list: %v", err)
	}
	return ids
}

// history returns the rows of waitlist_event as text.
func history(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `
		SELECT concat_ws(' ', entry_id, from_status, to_status, actor, reason) FROM waitlist_event ORDER BY id`)
	if err != nil {
		t.Fatalf("read the history: %v", err)
	}
	events, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("read the history: %v", err)
	}
	return events
}

// audited returns the rows of the audit as text.
func audited(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `
		SELECT concat_ws(' ', actor, action, subject, subject_id, request_id, details::text) FROM audit ORDER BY id`)
	if err != nil {
		t.Fatalf("read the audit: %v", err)
	}
	events, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("read the audit: %v", err)
	}
	return events
}

// times are what an entry says about its past, as numbers of days of January 2026; -1
// is a time during the test.
type times struct{ Invited, Joined, Removed int }

func timesOf(e waitlist.Entry) times {
	day := func(at *time.Time) int {
		switch {
		case at == nil:
			return 0
		case time.Since(*at) < time.Hour:
			return -1
		default:
			return at.UTC().Day()
		}
	}
	return times{day(e.InvitedAt), day(e.JoinedAt), day(e.RemovedAt)}
}

func TestTransitions_Apply(t *testing.T) {
	t.Parallel()
	type outcome struct {
		times times
		audit string // action; empty: the transition is a conflict
	}
	allowed := map[[2]waitlist.Status]outcome{
		{"waiting", "invited"}: {times{Invited: -1}, "entry.invited"},
		{"waiting", "removed"}: {times{Removed: -1}, "entry.removed"},
		{"invited", "joined"}:  {times{Invited: 1, Joined: -1}, "entry.joined"},
		{"invited", "waiting"}: {times{}, "entry.waiting"},
		{"invited", "removed"}: {times{Invited: 1, Removed: -1}, "entry.removed"},
		{"removed", "waiting"}: {times{}, "entry.restored"},
	}
	pool, store := transitionsOf(t)
	id := int64(0)
	for _, from := range waitlist.Statuses() {
		for _, to := range waitlist.Statuses() {
			id++
			addEntry(t, pool, id, from)
			t.Run(fmt.Sprintf("%s_to_%s", from, to), func(t *testing.T) {
				want, isAllowed := allowed[[2]waitlist.Status{from, to}]
				events, rows := history(t, pool), audited(t, pool)
				var entry waitlist.Entry
				err := inAction(asOperator(t), pool, func(ctx context.Context) (err error) {
					entry, err = waitlist.NewTransitions(store).Apply(ctx, id, waitlist.Transition{To: to, Reason: sensitive.NewText(" asked for it ")}).Get()
					return err
				})
				if isAllowed {
					if err != nil || entry.ID != id || entry.Status != to {
						t.Fatalf("got the entry %d that is %s, error %v; want entry %d that is %s", entry.ID, entry.Status, err, id, to)
					}
					if diff := cmp.Diff(want.times, timesOf(entry)); diff != "" {
						t.Errorf("times (-want +got):\n%s", diff)
					}
					events = append(events, fmt.Sprintf("%d %s %s wambui asked for it", id, from, to))
					rows = append(rows, fmt.Sprintf(`wambui %s entry %d R1 {"to": "%s", "from": "%s"}`, want.audit, id, to, from))
				} else {
					message := fmt.Sprintf("the entry is %s and cannot become %s", from, to)
					if from == to {
						message = fmt.Sprintf("the entry is %s already", from)
					}
					if !fault.Is(err, fault.Conflict) || fault.Of(err).Message != message {
						t.Errorf("got the error %v, want the conflict %q", err, message)
					}
				}
				if diff := cmp.Diff(events, history(t, pool)); diff != "" {
					t.Errorf("history (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(rows, audited(t, pool)); diff != "" {
					t.Errorf("audit (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestTransitions_Apply_Absent(t *testing.T) {
	t.Parallel()
	pool, store := transitionsOf(t)
	err := inAction(asOperator(t), pool, func(ctx context.Context) error {
		_, err := waitlist.NewTransitions(store).Apply(ctx, 7, waitlist.Transition{To: waitlist.Invited}).Get()
		return err
	})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("got the error %v, want not_found", err)
	}
}

// Of fifty operators at once one changes the status.
func TestTransitions_Apply_AtOnce(t *testing.T) {
	t.Parallel()
	const operators = 50
	for name, tt := range map[string]struct{ from, to waitlist.Status }{
		"invite":  {waitlist.Waiting, waitlist.Invited},
		"restore": {waitlist.Removed, waitlist.Waiting},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, store := transitionsOf(t)
			addEntry(t, pool, 1, tt.from)
			errs := make([]error, operators)
			var group sync.WaitGroup
			for i := range operators {
				group.Go(func() {
					errs[i] = inAction(asOperator(t), pool, func(ctx context.Context) error {
						_, err := waitlist.NewTransitions(store).Apply(ctx, 1, waitlist.Transition{To: tt.to}).Get()
						return err
					})
				})
			}
			group.Wait()
			successes, conflicts := 0, 0
			for _, err := range errs {
				switch {
				case err == nil:
					successes++
				case fault.Is(err, fault.Conflict):
					conflicts++
				default:
					t.Errorf("got the error %v, want none or a conflict", err)
				}
			}
			if successes != 1 || conflicts != operators-1 {
				t.Errorf("got %d successes and %d conflicts, want 1 and %d", successes, conflicts, operators-1)
			}
			if events, rows := history(t, pool), audited(t, pool); len(events) != 1 || len(rows) != 1 {
				t.Errorf("got the history %q and the audit %q, want one row each", events, rows)
			}
			if tt.from != waitlist.Removed {
				return
			}
			if next := testdb.QueryInt(t, pool, `SELECT nextval('waitlist_rank_seq')`); next != 2 {
				t.Errorf("the next rank is %d, want 2: a conflict uses no rank", next)
			}
		})
	}
}

// An entry that is restored stands behind those that signed up before, and before
// those that sign up later.
func TestTransitions_Apply_Rank(t *testing.T) {
	t.Parallel()
	pool, store := transitionsOf(t)
	addEntries(t, pool, 4)
	service := waitlist.NewTransitions(store)
	apply := func(id int64, to waitlist.Status) {
		t.Helper()
		if _, err := service.Apply(asOperator(t), id, waitlist.Transition{To: to}).Get(); err != nil {
			t.Fatalf("entry %d to %s: %v", id, to, err)
		}
	}
	for _, id := range []int64{1, 2, 3} {
		apply(id, waitlist.Removed)
	}
	apply(3, waitlist.Waiting)
	apply(1, waitlist.Waiting)
	if _, err := NewEntries(pool).Add(t.Context(), newEntry("new", "+254700000000")); err != nil {
		t.Fatalf("Add: %v", err)
	}
	apply(2, waitlist.Waiting)
	if diff := cmp.Diff([]int64{4, 3, 1, 5, 2}, listOrder(t, pool)); diff != "" {
		t.Errorf("order of the list (-want +got):\n%s", diff)
	}
	// An invitation that lapses does not change the rank.
	apply(3, waitlist.Invited)
	apply(3, waitlist.Waiting)
	if diff := cmp.Diff([]int64{4, 3, 1, 5, 2}, listOrder(t, pool)); diff != "" {
		t.Errorf("after a lapsed invitation: order of the list (-want +got):\n%s", diff)
	}
	if next := testdb.QueryInt(t, pool, `SELECT nextval(pg_get_serial_sequence('waitlist_entry', 'id'))`); next != 6 {
		t.Errorf("the next id is %d, want 6: a return to the list uses no id", next)
	}
}

// The counts of waitlist_block and waitlist_stat follow the changes.
func TestTransitions_Apply_Counts(t *testing.T) {
	t.Parallel()
	pool, store := transitionsOf(t)
	addEntries(t, pool, 3)
	testdb.Exec(t, pool, `UPDATE waitlist_counted SET counted_to = 3`)
	testdb.Exec(t, pool, `INSERT INTO waitlist_block (block, waiting) VALUES (0, 3)`)
	testdb.Exec(t, pool, `
		INSERT INTO waitlist_stat (day, source, status, n)
		SELECT (created_at AT TIME ZONE 'Africa/Nairobi')::date, '', status, count(*) FROM waitlist_entry GROUP BY 1, 3`)
	service := waitlist.NewTransitions(store)
	for _, to := range []waitlist.Status{waitlist.Removed, waitlist.Waiting, waitlist.Invited} {
		if _, err := service.Apply(asOperator(t), 1, waitlist.Transition{To: to}).Get(); err != nil {
			t.Fatalf("to %s: %v", to, err)
		}
	}
	if n := testdb.QueryInt(t, pool, `SELECT sum(waiting) FROM waitlist_block`); n != 2 {
		t.Errorf("waitlist_block counts %d, want 2", n)
	}
	for status, want := range map[waitlist.Status]int{waitlist.Waiting: 2, waitlist.Invited: 1, waitlist.Removed: 0} {
		if n := testdb.QueryInt(t, pool, `SELECT coalesce(sum(n), 0) FROM waitlist_stat WHERE status = $1::text::waitlist_status`, status); n != want {
			t.Errorf("waitlist_stat counts %d that are %s, want %d", n, status, want)
		}
	}
}
