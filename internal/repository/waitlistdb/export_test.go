package waitlistdb

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/operator"
	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// openExports returns an Exports over a new database, and the pool of the service.
func openExports(t *testing.T) (*Exports, *pgxpool.Pool) {
	t.Helper()
	url := testdb.New(t)
	reads, err := postgres.OpenForReads(t.Context(), sensitive.NewSecret(url))
	if err != nil {
		t.Fatalf("open the pool for lists: %v", err)
	}
	t.Cleanup(reads.Close)
	pool := testdb.Connect(t, url)
	return NewExports(pool, reads), pool
}

func exportedIDs(t *testing.T, exports *Exports, filter waitlist.Filter) []int64 {
	t.Helper()
	entries, err := exports.EntriesAfter(t.Context(), filter, 0, 100)
	if err != nil {
		t.Fatalf("EntriesAfter: %v", err)
	}
	ids := []int64{}
	for _, entry := range entries {
		ids = append(ids, entry.ID)
	}
	return ids
}

func TestExports_EntriesAfter_filters(t *testing.T) {
	t.Parallel()
	exports, pool := openExports(t)
	testdb.Exec(t, pool, `
		INSERT INTO waitlist_entry (username, phone_number, status, source, verified_at, created_at)
		VALUES ('Zuri',  '+254712345671', 'waiting', 'web',     NULL,  '2026-11-01T00:00:00Z'),
		       ('Amani', '+254712345672', 'invited', 'web',     now(), '2026-11-02T00:00:00Z'),
		       ('Baraka','+254712345673', 'joined',  'a;b',     NULL,  '2026-11-03T00:00:00Z'),
		       ('Neema', '+254112345674', 'removed', NULL,      now(), '2026-11-04T00:00:00Z')`)
	testdb.Exec(t, pool, `INSERT INTO referral (referee_id, referrer_id) VALUES (3, 1), (4, 2)`)
	testdb.Exec(t, pool, `INSERT INTO waitlist_search SELECT id, waitlist_search_words(username, phone_number) FROM waitlist_entry`)
	second, third := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	web, yes, no, first := "web", true, false, int64(1)
	for name, tt := range map[string]struct {
		filter waitlist.Filter
		want   []int64
	}{
		"all":           {waitlist.Filter{}, []int64{1, 2, 3, 4}},
		"statuses":      {waitlist.Filter{Statuses: []waitlist.Status{waitlist.Invited, waitlist.Removed}}, []int64{2, 4}},
		"source":        {waitlist.Filter{Source: &web}, []int64{1, 2}},
		"verified":      {waitlist.Filter{Verified: &yes}, []int64{2, 4}},
		"not_verified":  {waitlist.Filter{Verified: &no}, []int64{1, 3}},
		"referrer":      {waitlist.Filter{ReferrerID: &first}, []int64{3}},
		"joined_after":  {waitlist.Filter{JoinedAfter: &second}, []int64{2, 3, 4}},
		"joined_before": {waitlist.Filter{JoinedBefore: &third}, []int64{1, 2}},
		"name":          {waitlist.Filter{Query: sensitive.NewText("ZUR")}, []int64{1}},
		"number":        {waitlist.Filter{Query: sensitive.NewText("0712 345")}, []int64{1, 2, 3}},
		"combined":      {waitlist.Filter{Query: sensitive.NewText("0712345"), Source: &web, Verified: &yes, JoinedBefore: &third}, []int64{2}},
		"none":          {waitlist.Filter{Query: sensitive.NewText("nobody"), Source: &web}, []int64{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, exportedIDs(t, exports, tt.filter)); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExports_EntriesAfter_members(t *testing.T) {
	t.Parallel()
	exports, pool := openExports(t)
	testdb.Exec(t, pool, `
		INSERT INTO waitlist_entry (username, phone_number, status, source, note, verified_at, created_at, invited_at, joined_at, removed_at)
		SELECT 'Zuri', '+254712345671', 'removed', 'web', 'a note', at + '1 s', at, at + '2 s', at + '3 s', at + '4 s'
		FROM (VALUES ('2026-11-01T10:00:00.123456Z'::timestamptz)) AS sample (at)`)
	testdb.Exec(t, pool, `INSERT INTO waitlist_entry (username, phone_number) VALUES ('Amani', '+254712345672')`)
	testdb.Exec(t, pool, `INSERT INTO referral (referee_id, referrer_id) VALUES (1, 2)`)
	entries, err := exports.EntriesAfter(t.Context(), waitlist.Filter{}, 0, 1)
	if err != nil || len(entries) != 1 {
		t.Fatalf("EntriesAfter: got %d entries and error %v, want 1", len(entries), err)
	}
	got := entries[0]
	at := time.Date(2026, 11, 1, 10, 0, 0, 123456000, time.UTC)
	source, referrer, note := "web", int64(2), sensitive.NewText("a note")
	after := func(seconds int) *time.Time { moved := at.Add(time.Duration(seconds) * time.Second); return &moved }
	want := waitlist.Entry{
		ID: 1, Username: sensitive.NewText("Zuri"), PhoneNumber: sensitive.NewPhone("+254712345671"), Status: waitlist.Removed,
		Source: &source, Note: &note, VerifiedAt: after(1), CreatedAt: at, InvitedAt: after(2), JoinedAt: after(3), RemovedAt: after(4),
		ReferrerID: &referrer, Version: got.Version, Rank: got.Rank,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(sensitive.Text{}, sensitive.Phone{})); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
}

// Every entry that exists when its page is read is exported once, also while others
// are added and changed.
func TestExports_pages(t *testing.T) {
	t.Parallel()
	exports, pool := openExports(t)
	add := func(n int) {
		testdb.Exec(t, pool, `
			INSERT INTO waitlist_entry (username, phone_number)
			SELECT 'Zuri', '+2547' || to_char(coalesce((SELECT max(id) FROM waitlist_entry), 0) + i, 'FM00000000') FROM generate_series(1, $1) AS i`, n)
	}
	add(25)
	var ids []int64
	for after := int64(0); ; {
		entries, err := exports.EntriesAfter(t.Context(), waitlist.Filter{}, after, 10)
		if err != nil {
			t.Fatalf("EntriesAfter(%d): %v", after, err)
		}
		for _, entry := range entries {
			ids = append(ids, entry.ID)
		}
		if len(entries) < 10 {
			break
		}
		after = entries[9].ID
		if len(ids) <= 20 { // in the middle of the export
			add(3)
			testdb.Exec(t, pool, `UPDATE waitlist_entry SET status = 'invited' WHERE id % 2 = 0`)
		}
	}
	if len(ids) != 31 {
		t.Errorf("exported %d entries, want 31", len(ids))
	}
	for i, id := range ids {
		if id != int64(i+1) {
			t.Fatalf("entry %d of the export has the id %d, want its number", i+1, id)
		}
	}
}

func TestExports_RecordExport(t *testing.T) {
	t.Parallel()
	exports, pool := openExports(t)
	ctx := operator.WithAction(t.Context(), operator.Action{Caller: operator.Caller{Name: "admin"}, RequestID: "r1"})
	at := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	web, yes, first := "web", true, int64(7)
	err := exports.RecordExport(ctx, waitlist.ExportRequest{Format: "csv", Filter: waitlist.Filter{
		Query: sensitive.NewText("+254712345678"), Statuses: []waitlist.Status{waitlist.Waiting}, Source: &web, Verified: &yes,
		ReferrerID: &first, JoinedAfter: &at, JoinedBefore: &at,
	}})
	if err != nil {
		t.Fatalf("RecordExport: %v", err)
	}
	var actor, action, subject, requestID string
	var subjectID *int64
	var details json.RawMessage
	if err := pool.QueryRow(t.Context(), `SELECT actor, action, subject, subject_id, request_id, details FROM audit`).
		Scan(&actor, &action, &subject, &subjectID, &requestID, &details); err != nil {
		t.Fatalf("read the audit: %v", err)
	}
	got := fmt.Sprint(actor, " ", action, " ", subject, " ", subjectID == nil, " ", requestID)
	if want := "admin list.exported list true r1"; got != want {
		t.Errorf("recorded %q, want %q", got, want)
	}
	var gotDetails any
	if err := json.Unmarshal(details, &gotDetails); err != nil {
		t.Fatalf("parse the details: %v", err)
	}
	want := map[string]any{"format": "csv", "filter": map[string]any{
		"q": "[13 characters]", "status": []any{"waiting"}, "source": "web", "verified": true, "referrer": 7.0,
		"joined_after": "2026-11-02T00:00:00Z", "joined_before": "2026-11-02T00:00:00Z",
	}}
	if diff := cmp.Diff(any(want), gotDetails); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
}

func TestExports_failures(t *testing.T) {
	t.Parallel()
	exports, pool := openExports(t)
	exports.reads.Close()
	if entries, err := exports.EntriesAfter(t.Context(), waitlist.Filter{}, 0, 1); err == nil {
		t.Errorf("EntriesAfter with a closed pool: got %d entries, want an error", len(entries))
	}
	testdb.Exec(t, pool, `DROP TABLE audit`)
	if err := exports.RecordExport(t.Context(), waitlist.ExportRequest{}); err == nil {
		t.Error("RecordExport without the table: got no error, want one")
	}
}
