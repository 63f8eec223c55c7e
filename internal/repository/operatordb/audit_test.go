package operatordb_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/operator"
	"aisha/internal/page"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
	"aisha/internal/service/audit"
)

func record(ctx context.Context, t *testing.T, log auditTest, events ...operator.Event) {
	t.Helper()
	if err := operatordb.Record(ctx, log.pool, events...); err != nil {
		t.Fatalf("Record: %v", err)
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	log := newAuditTest(t)
	record(asOperator(t), t, log,
		operator.Event{Action: "entry.updated", Subject: "entry", SubjectID: 1 << 40, Details: map[string]any{"note": "é\"}", "n": 7, "list": []int{1}}},
		operator.Event{Action: "list.searched", Subject: "list"})
	record(t.Context(), t, log, operator.Event{Action: "referral.credited", Subject: "referral", SubjectID: 3})
	record(asOperator(t), t, log)

	id := func(n int64) *int64 { return &n }
	want := []audit.Entry{
		{ID: 3, Actor: "system", Action: "referral.credited", Subject: "referral", SubjectID: id(3), Details: json.RawMessage(`{}`)},
		{ID: 2, Actor: "admin", Action: "list.searched", Subject: "list", RequestID: "req1", Details: json.RawMessage(`{}`)},
		{ID: 1, Actor: "admin", Action: "entry.updated", Subject: "entry", SubjectID: id(1 << 40), RequestID: "req1",
			Details: json.RawMessage(`{"n": 7, "list": [1], "note": "é\"}"}`)},
	}
	got := log.list(t, audit.Filter{}, page.Request{Limit: 10})
	if diff := cmp.Diff(want, got.Items, cmpopts.IgnoreFields(audit.Entry{}, "At")); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if age := time.Since(got.Items[0].At); age < -time.Minute || age > time.Minute {
		t.Errorf("the time of a row: got %v, want now", got.Items[0].At)
	}
}

func TestAuditLog_List(t *testing.T) {
	t.Parallel()
	log := newAuditTest(t)
	for i := range 5 {
		action := "entry.updated"
		if i%2 == 1 {
			action = "entry.removed"
		}
		record(asOperator(t), t, log, operator.Event{Action: action, Subject: "entry", SubjectID: int64(i) << 33})
	}
	testdb.Exec(t, log.pool, `UPDATE audit SET at = '2026-01-01T00:00:00Z'::timestamptz + id * interval '1 day', actor = CASE WHEN id = 5 THEN 'other' ELSE actor END`)
	day := func(n int) *time.Time { at := time.Date(2026, 1, 1+n, 0, 0, 0, 0, time.UTC); return &at }
	for name, tt := range map[string]struct {
		filter audit.Filter
		after  []int64
		want   []int64
		next   []int64
	}{
		"first_page":  {audit.Filter{}, nil, []int64{5, 4, 3}, []int64{3}},
		"second_page": {audit.Filter{}, []int64{3}, []int64{2, 1}, nil},
		"after_all":   {audit.Filter{}, []int64{1}, nil, nil},
		"actor":       {audit.Filter{Actor: "other"}, nil, []int64{5}, nil},
		"action":      {audit.Filter{Action: "entry.removed"}, nil, []int64{4, 2}, nil},
		"subject":     {audit.Filter{Subject: "import"}, nil, nil, nil},
		"subject_id":  {audit.Filter{Subject: "entry", SubjectID: 3 << 33}, nil, []int64{4}, nil},
		"from_and_to": {audit.Filter{From: day(2), To: day(4)}, nil, []int64{3, 2}, nil},
		"whole_page":  {audit.Filter{From: day(3)}, nil, []int64{5, 4, 3}, nil},
	} {
		got := log.list(t, tt.filter, page.Request{Limit: 3, After: tt.after, Count: true})
		var ids []int64
		for _, e := range got.Items {
			ids = append(ids, e.ID)
		}
		if diff := cmp.Diff(tt.want, ids); diff != "" {
			t.Errorf("%s: ids (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(tt.next, got.Next); diff != "" {
			t.Errorf("%s: next (-want +got):\n%s", name, diff)
		}
		all := log.list(t, tt.filter, page.Request{Limit: 100})
		if diff := cmp.Diff(&page.Count{N: len(all.Items), Exact: true}, got.Count); diff != "" || all.Count != nil {
			t.Errorf("%s: count (-want +got), and %v without a request for it:\n%s", name, all.Count, diff)
		}
	}
}

func TestAuditLog_List_bounded(t *testing.T) {
	t.Parallel()
	log := newAuditTest(t)
	add := func(n int) {
		testdb.Exec(t, log.pool, `INSERT INTO audit (actor, action, subject, request_id) SELECT 'a', 'b', 'c', 'd' FROM generate_series(1, $1)`, n)
	}
	add(page.CountLimit)
	got := log.list(t, audit.Filter{}, page.Request{Limit: 1, Count: true})
	if diff := cmp.Diff(&page.Count{N: page.CountLimit, Exact: true}, got.Count); diff != "" {
		t.Errorf("count of 10,000 rows (-want +got):\n%s", diff)
	}
	add(1)
	got = log.list(t, audit.Filter{}, page.Request{Limit: 1, Count: true})
	if diff := cmp.Diff(&page.Count{N: page.CountLimit}, got.Count); diff != "" {
		t.Errorf("count of 10,001 rows (-want +got):\n%s", diff)
	}
}

func TestAuditLog_List_unreachable(t *testing.T) {
	t.Parallel()
	log := operatordb.NewAuditLog(testdb.Connect(t, "postgres://127.0.0.1:1/x?sslmode=disable"))
	if _, err := log.List(t.Context(), audit.Filter{}, page.Request{Limit: 1}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("List: got %v, want %v", err, fault.Unavailable)
	}
}

// auditTest reads the audit of a new database, as the service does.
type auditTest struct {
	pool *pgxpool.Pool
	log  *operatordb.AuditLog
}

func newAuditTest(t *testing.T) auditTest {
	t.Helper()
	url := testdb.New(t)
	reads, err := postgres.OpenForReads(t.Context(), sensitive.NewSecret(url))
	if err != nil {
		t.Fatalf("OpenForReads: %v", err)
	}
	t.Cleanup(reads.Close)
	return auditTest{pool: testdb.Connect(t, url), log: operatordb.NewAuditLog(reads)}
}

func (a auditTest) list(t *testing.T, filter audit.Filter, request page.Request) page.Page[audit.Entry] {
	t.Helper()
	p, err := a.log.List(t.Context(), filter, request)
	if err != nil {
		t.Fatalf("List(%+v, %+v): %v", filter, request, err)
	}
	return p
}
