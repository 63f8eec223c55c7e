package waitlistdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/repository/operatordb"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
	"aisha/internal/service/operation"
	"aisha/internal/service/waitlist"
)

// startBulk starts a bulk action and returns the id of its operation.
func startBulk(t *testing.T, pool *pgxpool.Pool, store *Transitions, in waitlist.Bulk) int64 {
	t.Helper()
	var loading *resource.LoadingError
	err := inAction(asOperator(t), pool, func(ctx context.Context) error {
		_, err := waitlist.NewTransitions(store).Bulk(ctx, in).Get()
		if !errors.As(err, &loading) {
			return fmt.Errorf("got the error %w, want a resource that is loading", err)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("start the bulk action: %v", err)
	}
	id, err := strconv.ParseInt(path.Base(loading.Location), 10, 64)
	if err != nil || loading.Location != operation.Location(id) {
		t.Fatalf("got the location %q, error %v; want that of an operation", loading.Location, err)
	}
	return id
}

func operationsOf(pool *pgxpool.Pool, store *Transitions) *operation.Service {
	return operation.New(operatordb.NewOperations(pool), map[string]operation.Runner{BulkKind: store})
}

// runBulk starts a bulk action, runs it and returns its result and its progress.
func runBulk(t *testing.T, pool *pgxpool.Pool, store *Transitions, in waitlist.Bulk) (bulkResult, operation.Operation) {
	t.Helper()
	id := startBulk(t, pool, store, in)
	operations := operationsOf(pool, store)
	if state, err := operations.Run(t.Context(), id).Get(); err != nil || state != operation.Succeeded {
		t.Fatalf("run the bulk action: got %q, %v; want succeeded", state, err)
	}
	progress, err := operations.Progress(t.Context(), id).Get()
	if err != nil {
		t.Fatalf("read the progress: %v", err)
	}
	var result bulkResult
	if err := json.Unmarshal(progress.Result, &result); err != nil {
		t.Fatalf("read the result: %v", err)
	}
	return result, progress
}

// bulkRows are how many rows a bulk action has left. Events and Audit are -1 where an
// entry has several.
type bulkRows struct{ Changed, Events, Audit, Started int }

func rowsOf(t *testing.T, pool *pgxpool.Pool, status waitlist.Status) bulkRows {
	t.Helper()
	return bulkRows{
		Changed: testdb.QueryInt(t, pool, `SELECT count(*) FROM waitlist_entry WHERE status = $1::text::waitlist_status`, status),
		Events: testdb.QueryInt(t, pool, `
			SELECT CASE WHEN count(*) = count(DISTINCT entry_id) THEN count(*) ELSE -1 END FROM waitlist_event`),
		Audit: testdb.QueryInt(t, pool, `
			SELECT CASE WHEN count(*) = count(DISTINCT subject_id) THEN count(*) ELSE -1 END
			FROM audit WHERE subject = 'entry' AND actor = 'wambui' AND request_id = 'R1'`),
		Started: testdb.QueryInt(t, pool, `SELECT count(*) FROM audit WHERE action = 'bulk.started'`),
	}
}

func idsFromTo(from, to int64) []int64 {
	var ids []int64
	for id := from; id <= to; id++ {
		ids = append(ids, id)
	}
	return ids
}

func TestTransitions_Bulk_IDs(t *testing.T) {
	t.Parallel()
	pool, store := transitionsOf(t)
	addEntries(t, pool, 1300)
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET status = 'joined' WHERE id IN (3, 700)`)
	ids := append(idsFromTo(1, 1200), 5, 5, 1200, 4_000_000)
	slices.Reverse(ids)
	result, progress := runBulk(t, pool, store, waitlist.Bulk{Action: waitlist.Invite, Selection: waitlist.Selection{IDs: ids}})
	if diff := cmp.Diff(bulkResult{Changed: 1198, Skipped: 3}, result); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if progress.Done != 1198 || progress.Total == nil || *progress.Total != 1198 {
		t.Errorf("got the progress %d of %v, want 1198 of 1198", progress.Done, progress.Total)
	}
	if diff := cmp.Diff(bulkRows{Changed: 1198, Events: 1198, Audit: 1198, Started: 1}, rowsOf(t, pool, waitlist.Invited)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if got, want := audited(t, pool)[0], `wambui bulk.started bulk 1 R1 {"ids": 1201, "action": "invite", "matches": 1198}`; got != want {
		t.Errorf("audit: got %s, want %s", got, want)
	}
}

// A restore of many entries lets them stand in the order of their ids, behind all
// others.
func TestTransitions_Bulk_RestoreOrder(t *testing.T) {
	t.Parallel()
	pool, store := transitionsOf(t)
	addEntries(t, pool, 1100)
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET status = 'removed' WHERE id <= 1050`)
	result, _ := runBulk(t, pool, store, waitlist.Bulk{Action: waitlist.Restore, Selection: waitlist.Selection{Filter: &waitlist.Filter{}}})
	if diff := cmp.Diff(bulkResult{Changed: 1050}, result); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(append(idsFromTo(1051, 1100), idsFromTo(1, 1050)...), allInOrder(t, pool)); diff != "" {
		t.Errorf("order of the list (-want +got):\n%s", diff)
	}
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM audit WHERE action = 'entry.restored'`); n != 1050 {
		t.Errorf("the audit has %d restored entries, want 1050", n)
	}
}

func TestTransitions_Bulk_Filter(t *testing.T) {
	t.Parallel()
	source, yes, referrer := "fair", true, int64(1)
	before := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		filter waitlist.Filter
		action waitlist.BulkAction
		want   []int64 // changed ids
	}{
		"all":                {waitlist.Filter{}, waitlist.Invite, []int64{1, 2, 3, 4, 6}},
		"status":             {waitlist.Filter{Statuses: []waitlist.Status{"invited", "joined"}}, waitlist.Remove, []int64{5}},
		"status_not_allowed": {waitlist.Filter{Statuses: []waitlist.Status{"joined"}}, waitlist.Remove, nil},
		"source":             {waitlist.Filter{Source: &source}, waitlist.Invite, []int64{1, 2}},
		"verified":           {waitlist.Filter{Verified: &yes}, waitlist.Invite, []int64{2, 3}},
		"referrer":           {waitlist.Filter{ReferrerID: &referrer}, waitlist.Invite, []int64{4}},
		"joined_before":      {waitlist.Filter{JoinedBefore: &before}, waitlist.Invite, []int64{3, 4}},
		"number":             {waitlist.Filter{Query: sensitive.NewText("0700 000 006")}, waitlist.Invite, []int64{6}},
		"several_conditions": {waitlist.Filter{Source: &source, Verified: &yes}, waitlist.Invite, []int64{2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, store := transitionsOf(t)
			addEntries(t, pool, 7)
			testdb.Exec(t, pool, `UPDATE waitlist_entry SET source = 'fair' WHERE id <= 2`)
			testdb.Exec(t, pool, `UPDATE waitlist_entry SET verified_at = now() WHERE id IN (2, 3)`)
			testdb.Exec(t, pool, `UPDATE waitlist_entry SET created_at = '2025-06-01Z' WHERE id IN (3, 4)`)
			testdb.Exec(t, pool, `UPDATE waitlist_entry SET status = 'invited' WHERE id = 5`)
			testdb.Exec(t, pool, `UPDATE waitlist_entry SET status = 'joined' WHERE id = 7`)
			testdb.Exec(t, pool, `INSERT INTO referral (referee_id, referrer_id) VALUES (4, 1)`)
			in := waitlist.Bulk{Action: tt.action, Selection: waitlist.Selection{Filter: &tt.filter}, DryRun: true}
			matches, err := waitlist.NewTransitions(store).Bulk(asOperator(t), in).Get()
			if err != nil || matches.N != int64(len(tt.want)) {
				t.Errorf("dry run: got %d matches, error %v; want %d", matches.N, err, len(tt.want))
			}
			if diff := cmp.Diff(append([]int64{}, tt.want...), matches.Sample); diff != "" {
				t.Errorf("sample (-want +got):\n%s", diff)
			}
			in.DryRun = false
			result, _ := runBulk(t, pool, store, in)
			if diff := cmp.Diff(bulkResult{Changed: int64(len(tt.want))}, result); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			var changed []int64
			err = pool.QueryRow(t.Context(), `SELECT array_agg(entry_id ORDER BY entry_id) FROM waitlist_event`).Scan(&changed)
			if err != nil {
				t.Fatalf("read the history: %v", err)
			}
			if diff := cmp.Diff(tt.want, changed); diff != "" {
				t.Errorf("changed ids (-want +got):\n%s", diff)
			}
		})
	}
}

// The count of a filter that waitlist_stat answers includes entries that are not
// counted there yet.
func TestTransitions_Match_Counted(t *testing.T) {
	t.Parallel()
	pool, store := transitionsOf(t)
	addEntries(t, pool, 20)
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET source = 'fair' WHERE id % 2 = 0`)
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET status = 'joined' WHERE id IN (1, 2, 19, 20)`)
	testdb.Exec(t, pool, `
		INSERT INTO waitlist_stat (day, source, status, n)
		SELECT created_at::date, coalesce(source, ''), status, count(*) FROM waitlist_entry WHERE id <= 12 GROUP BY 1, 2, 3`)
	testdb.Exec(t, pool, `UPDATE waitlist_counted SET counted_to = 12`)
	source := "fair"
	for name, tt := range map[string]struct {
		filter waitlist.Filter
		want   int64
	}{
		"all":    {waitlist.Filter{}, 16},
		"source": {waitlist.Filter{Source: &source}, 8},
	} {
		matches, err := store.Match(t.Context(), waitlist.Selection{Filter: &tt.filter}, waitlist.Invite.Change())
		if err != nil || matches.N != tt.want || len(matches.Sample) != int(min(tt.want, sampleSize)) {
			t.Errorf("%s: got %+v, error %v; want %d", name, matches, err, tt.want)
		}
	}
}

// Entries that sign up after the start stay as they are.
func TestTransitions_Bulk_LaterSignUps(t *testing.T) {
	t.Parallel()
	pool, store := transitionsOf(t)
	addEntries(t, pool, 3)
	id := startBulk(t, pool, store, waitlist.Bulk{Action: waitlist.Remove, Selection: waitlist.Selection{Filter: &waitlist.Filter{}}})
	if _, err := NewEntries(pool).Add(t.Context(), newEntry("new", "+254799999999")); err != nil {
		t.Fatalf("Add: %v", err)
	}
	if state, err := operationsOf(pool, store).Run(t.Context(), id).Get(); err != nil || state != operation.Succeeded {
		t.Fatalf("run the bulk action: got %q, %v; want succeeded", state, err)
	}
	if diff := cmp.Diff(bulkRows{Changed: 3, Events: 3, Audit: 3, Started: 1}, rowsOf(t, pool, waitlist.Removed)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestTransitions_Bulk_DryRunAndExpect(t *testing.T) {
	t.Parallel()
	number := func(n int64) *int64 { return &n }
	pool, store := transitionsOf(t)
	addEntries(t, pool, 30)
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET status = 'joined' WHERE id = 2`)
	for name, in := range map[string]waitlist.Selection{
		"ids":    {IDs: append(idsFromTo(1, 30), 99)},
		"filter": {Filter: &waitlist.Filter{}},
	} {
		for expect, wantConflict := range map[*int64]bool{nil: false, number(29): false, number(30): true} {
			bulk := waitlist.Bulk{Action: waitlist.Invite, Selection: in, Expect: expect, DryRun: true}
			matches, err := waitlist.NewTransitions(store).Bulk(asOperator(t), bulk).Get()
			if wantConflict {
				if !fault.Is(err, fault.Conflict) || fault.Of(err).Message != "29 entries match, and 30 were expected" {
					t.Errorf("%s: got the error %v, want a conflict with both numbers", name, err)
				}
				bulk.DryRun = false
				if _, err := waitlist.NewTransitions(store).Bulk(asOperator(t), bulk).Get(); !fault.Is(err, fault.Conflict) {
					t.Errorf("%s, without dry run: got the error %v, want a conflict", name, err)
				}
				continue
			}
			want := waitlist.Matches{N: 29, Sample: []int64{1, 3, 4, 5, 6, 7, 8, 9, 10, 11}}
			if diff := cmp.Diff(want, matches); err != nil || diff != "" {
				t.Errorf("%s: error %v, matches (-want +got):\n%s", name, err, diff)
			}
		}
	}
	if diff := cmp.Diff(bulkRows{}, rowsOf(t, pool, waitlist.Invited)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if n := testdb.QueryInt(t, pool, `SELECT (SELECT count(*) FROM operation) + (SELECT count(*) FROM audit)`); n != 0 {
		t.Errorf("%d operations and rows of the audit, want none", n)
	}
	bulk := waitlist.Bulk{Action: waitlist.Invite, Selection: waitlist.Selection{Filter: &waitlist.Filter{}}, Expect: number(29)}
	if result, _ := runBulk(t, pool, store, bulk); result.Changed != 29 {
		t.Errorf("with the right number: %d entries changed, want 29", result.Changed)
	}
}

// The audit shows neither numbers nor names that were searched for.
func TestTransitions_Bulk_AuditMasksQuery(t *testing.T) {
	t.Parallel()
	pool, store := transitionsOf(t)
	addEntries(t, pool, 1)
	for _, query := range []string{"0700 000 001", "Wanjiru"} {
		startBulk(t, pool, store, waitlist.Bulk{
			Action: waitlist.Invite, Selection: waitlist.Selection{Filter: &waitlist.Filter{Query: sensitive.NewText(query)}},
		})
	}
	want := []string{
		`wambui bulk.started bulk 1 R1 {"action": "invite", "filter": {"q": "+2547•••••001"}, "matches": 1}`,
		`wambui bulk.started bulk 2 R1 {"action": "invite", "filter": {"q": "[7 characters]"}, "matches": 0}`,
	}
	if diff := cmp.Diff(want, audited(t, pool)); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

// A bulk action that is cancelled between two chunks keeps what the first one did, and
// changes nothing more.
func TestTransitions_Bulk_Cancel(t *testing.T) {
	t.Parallel()
	pool, store := transitionsOf(t)
	addEntries(t, pool, 1200)
	id := startBulk(t, pool, store, waitlist.Bulk{Action: waitlist.Invite, Selection: waitlist.Selection{Filter: &waitlist.Filter{}}})
	operations := operationsOf(pool, store)

	blocked, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	defer func() { _ = blocked.Rollback(context.Background()) }()
	if _, err := blocked.Exec(t.Context(), `SELECT FROM waitlist_entry WHERE id = 700 FOR UPDATE`); err != nil {
		t.Fatalf("lock an entry of the second chunk: %v", err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		if state, err := operations.Run(t.Context(), id).Get(); err != nil || state != operation.Cancelled {
			t.Errorf("run the bulk action: got %q, %v; want cancelled", state, err)
		}
	})
	awaitLocks := func(n int) {
		t.Helper()
		await(t, "statements wait for locks", func() bool {
			return testdb.QueryInt(t, pool, `
				SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == n
		})
	}
	awaitLocks(1) // the second chunk
	group.Go(func() {
		if _, err := operations.Cancel(t.Context(), id).Get(); err != nil {
			t.Errorf("cancel: %v", err)
		}
	})
	awaitLocks(2)
	if err := blocked.Rollback(t.Context()); err != nil {
		t.Fatalf("unlock the entry: %v", err)
	}
	group.Wait()

	if _, err := operations.Get(t.Context(), id).Get(); !fault.Is(err, fault.Conflict) {
		t.Errorf("the operation ended with %v, want a conflict", err)
	}
	if diff := cmp.Diff(bulkRows{Changed: 1000, Events: 1000, Audit: 1000, Started: 1}, rowsOf(t, pool, waitlist.Invited)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if state, err := operations.Run(t.Context(), id).Get(); err != nil || state != operation.Cancelled {
		t.Errorf("run again: got %q, %v; want cancelled", state, err)
	}
	if n := rowsOf(t, pool, waitlist.Invited).Changed; n != 1000 {
		t.Errorf("run again: %d entries are invited, want 1000", n)
	}
}
