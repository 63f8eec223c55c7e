package waitlistdb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/operator"
	"aisha/internal/page"
	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// managed opens a new database.
func managed(t *testing.T) (*ManagedEntries, *pgxpool.Pool) {
	t.Helper()
	url := testdb.New(t)
	pool := testdb.Connect(t, url)
	reads, err := postgres.OpenForReads(t.Context(), sensitive.NewSecret(url))
	if err != nil {
		t.Fatalf("open the pool for reads: %v", err)
	}
	t.Cleanup(reads.Close)
	return NewManagedEntries(pool, reads), pool
}

// fillCounts adds all entries to the counts and to the search table, up to an id.
func fillCounts(t *testing.T, pool *pgxpool.Pool, upTo int) {
	t.Helper()
	testdb.Exec(t, pool, `
		INSERT INTO waitlist_search SELECT id, waitlist_search_words(username, phone_number) FROM waitlist_entry WHERE id <= $1
		ON CONFLICT (entry_id) DO UPDATE SET words = excluded.words`, upTo)
	testdb.Exec(t, pool, `WITH pending AS (DELETE FROM waitlist_search_pending) DELETE FROM waitlist_block`)
	testdb.Exec(t, pool, `
		INSERT INTO waitlist_block
		SELECT coalesce(rank_id, id) >> 10, count(*) FROM waitlist_entry WHERE id <= $1 AND status = 'waiting' GROUP BY 1`, upTo)
	testdb.Exec(t, pool, `UPDATE waitlist_counted SET counted_to = $1`, upTo)
}

// addNamed adds an entry for each name, with the numbers +254700000001 and so on.
func addNamed(t *testing.T, pool *pgxpool.Pool, names ...string) {
	t.Helper()
	for i, name := range names {
		testdb.Exec(t, pool, `INSERT INTO waitlist_entry (username, phone_number) VALUES ($1, '+2547000' || lpad($2::int::text, 5, '0'))`,
			name, i+1)
	}
}

func listIDs(t *testing.T, m *ManagedEntries, filter waitlist.Filter, order waitlist.Order) []int64 {
	t.Helper()
	p, err := m.List(t.Context(), filter, order, page.Request{Limit: 200})
	if err != nil {
		t.Fatalf("List(%+v): %v", filter, err)
	}
	return idsOf(p.Items)
}

func idsOf(entries []waitlist.Entry) []int64 {
	ids := []int64{}
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}

func pointer[T any](value T) *T { return &value }

func TestManagedEntries_List_filters(t *testing.T) {
	t.Parallel()
	m, pool := managed(t)
	addNamed(t, pool, "A", "B", "C", "D", "E", "F")
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET created_at = $1::timestamptz + id * interval '1 hour'`, start)
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET status = 'invited', invited_at = now() WHERE id IN (2, 3)`)
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET status = 'removed' WHERE id = 4`)
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET source = 'church' WHERE id IN (1, 3, 5)`)
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET verified_at = now() WHERE id IN (3, 6)`)
	testdb.Exec(t, pool, `INSERT INTO referral (referee_id, referrer_id) VALUES (5, 2), (6, 2)`)
	// The entry 1 has moved behind 5, and 6 in front of 2.
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET rank_id = 5, rank_seq = 1 WHERE id = 1`)
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET rank_id = 2, rank_seq = -1 WHERE id = 6`)
	hour := func(n int) *time.Time { return pointer(start.Add(time.Duration(n) * time.Hour)) }

	lists := map[string]struct {
		filter waitlist.Filter
		order  waitlist.Order
		want   []int64
	}{
		"none":                     {waitlist.Filter{}, waitlist.Newest, []int64{6, 5, 4, 3, 2, 1}},
		"none_oldest":              {waitlist.Filter{}, waitlist.Oldest, []int64{1, 2, 3, 4, 5, 6}},
		"none_by_position":         {waitlist.Filter{}, waitlist.ByPosition, []int64{6, 2, 3, 4, 5, 1}},
		"status":                   {waitlist.Filter{Statuses: []waitlist.Status{waitlist.Invited}}, waitlist.Newest, []int64{3, 2}},
		"status_waiting":           {waitlist.Filter{Statuses: []waitlist.Status{waitlist.Waiting}}, waitlist.Newest, []int64{6, 5, 1}},
		"status_waiting_position":  {waitlist.Filter{Statuses: []waitlist.Status{waitlist.Waiting}}, waitlist.ByPosition, []int64{6, 5, 1}},
		"statuses":                 {waitlist.Filter{Statuses: []waitlist.Status{waitlist.Removed, waitlist.Waiting}}, waitlist.Newest, []int64{6, 5, 4, 1}},
		"statuses_oldest":          {waitlist.Filter{Statuses: []waitlist.Status{waitlist.Removed, waitlist.Waiting}}, waitlist.Oldest, []int64{1, 4, 5, 6}},
		"statuses_by_position":     {waitlist.Filter{Statuses: []waitlist.Status{waitlist.Removed, waitlist.Waiting}}, waitlist.ByPosition, []int64{6, 4, 5, 1}},
		"status_of_no_entry":       {waitlist.Filter{Statuses: []waitlist.Status{waitlist.Joined}}, waitlist.Newest, []int64{}},
		"source":                   {waitlist.Filter{Source: pointer("church")}, waitlist.Newest, []int64{5, 3, 1}},
		"source_by_position":       {waitlist.Filter{Source: pointer("church")}, waitlist.ByPosition, []int64{3, 5, 1}},
		"unknown_source":           {waitlist.Filter{Source: pointer("Church")}, waitlist.Newest, []int64{}},
		"verified":                 {waitlist.Filter{Verified: pointer(true)}, waitlist.Newest, []int64{6, 3}},
		"not_verified":             {waitlist.Filter{Verified: pointer(false)}, waitlist.Newest, []int64{5, 4, 2, 1}},
		"referrer":                 {waitlist.Filter{ReferrerID: pointer(int64(2))}, waitlist.Newest, []int64{6, 5}},
		"referrer_by_position":     {waitlist.Filter{ReferrerID: pointer(int64(2))}, waitlist.ByPosition, []int64{6, 5}},
		"joined_after_is_included": {waitlist.Filter{JoinedAfter: hour(4)}, waitlist.Newest, []int64{6, 5, 4}},
		"joined_before_is_not":     {waitlist.Filter{JoinedBefore: hour(4)}, waitlist.Newest, []int64{3, 2, 1}},
		"joined_between":           {waitlist.Filter{JoinedAfter: hour(2), JoinedBefore: hour(4)}, waitlist.ByPosition, []int64{2, 3}},
		"joined_in_the_future":     {waitlist.Filter{JoinedAfter: hour(4000)}, waitlist.Newest, []int64{}},
		"all_together": {waitlist.Filter{
			Query: sensitive.NewText("c"), Statuses: []waitlist.Status{waitlist.Invited}, Source: pointer("church"), Verified: pointer(true),
			JoinedAfter: hour(1), JoinedBefore: hour(4),
		}, waitlist.ByPosition, []int64{3}},
		"all_together_and_referrer": {waitlist.Filter{
			Query: sensitive.NewText("c"), Statuses: []waitlist.Status{waitlist.Invited}, Source: pointer("church"), Verified: pointer(true),
			ReferrerID: pointer(int64(2)), JoinedAfter: hour(1), JoinedBefore: hour(4),
		}, waitlist.Newest, []int64{}},
	}
	for _, counted := range []int{0, 3, 6} {
		fillCounts(t, pool, counted)
		for name, tt := range lists {
			t.Run(fmt.Sprintf("%s_counted_to_%d", name, counted), func(t *testing.T) {
				if diff := cmp.Diff(tt.want, listIDs(t, m, tt.filter, tt.order)); diff != "" {
					t.Errorf("ids (-want +got):\n%s", diff)
				}
				p, err := m.List(t.Context(), tt.filter, tt.order, page.Request{Limit: 1, Count: true})
				if diff := cmp.Diff(&page.Count{N: len(tt.want), Exact: true}, p.Count); err != nil || diff != "" {
					t.Errorf("count: error %v (-want +got):\n%s", err, diff)
				}
			})
		}
	}
}

func TestManagedEntries_List_entry(t *testing.T) {
	t.Parallel()
	m, pool := managed(t)
	addNamed(t, pool, "Referrer", "Akinyi")
	testdb.Exec(t, pool, `
		UPDATE waitlist_entry
		SET status = 'joined', source = 'church', note = 'calls on Monday', verified_at = '2026-01-01Z', created_at = '2026-01-02Z',
		    invited_at = '2026-01-03Z', joined_at = '2026-01-04Z', removed_at = '2026-01-05Z', rank_id = 1, rank_seq = 7
		WHERE id = 2`)
	testdb.Exec(t, pool, `INSERT INTO referral (referee_id, referrer_id) VALUES (2, 1)`)

	p, err := m.List(t.Context(), waitlist.Filter{}, waitlist.Newest, page.Request{Limit: 1})
	if err != nil || len(p.Items) != 1 {
		t.Fatalf("List: got %d entries, error %v; want 1", len(p.Items), err)
	}
	day := func(n int) *time.Time { return pointer(time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC)) }
	want := waitlist.Entry{
		ID: 2, Username: sensitive.NewText("Akinyi"), PhoneNumber: sensitive.NewPhone("+254700000002"), Status: waitlist.Joined,
		Source: pointer("church"), Note: pointer(sensitive.NewText("calls on Monday")), VerifiedAt: day(1), CreatedAt: *day(2),
		InvitedAt: day(3), JoinedAt: day(4), RemovedAt: day(5), ReferrerID: pointer(int64(1)), Version: p.Items[0].Version,
		Rank: waitlist.Rank{ID: 1, Seq: 7},
	}
	if diff := cmp.Diff(want, p.Items[0], compareTexts()...); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	if p.Items[0].Version == "" {
		t.Errorf("the entry has no version")
	}
	if diff := cmp.Diff([]int64{2}, p.Next); diff != "" {
		t.Errorf("key of the next page (-want +got):\n%s", diff)
	}
}

func compareTexts() []cmp.Option {
	return []cmp.Option{
		cmp.Comparer(func(a, b sensitive.Text) bool { return a == b }),
		cmp.Comparer(func(a, b sensitive.Phone) bool { return a == b }),
	}
}

// Every order and filter must list each entry once, although others are added and
// counted while an operator turns the pages.
func TestManagedEntries_List_pages(t *testing.T) {
	t.Parallel()
	const entries = 1000
	m, pool := managed(t)
	testdb.Exec(t, pool, `
		INSERT INTO waitlist_entry (username, phone_number, status, source, rank_id, rank_seq)
		SELECT (ARRAY['Wanjiku', 'Otieno', 'Achieng'])[1 + n % 3], '+2547' || lpad(n::text, 8, '0'),
		       (ARRAY['waiting', 'waiting', 'invited', 'removed'])[1 + n % 4]::waitlist_status,
		       CASE WHEN n % 5 = 0 THEN 'church' END,
		       CASE WHEN n % 7 = 0 THEN (n * 7919) % $1 + 1 END, CASE WHEN n % 7 = 0 THEN n - 500 END
		FROM generate_series(1, $1::int) AS n`, entries)
	fillCounts(t, pool, entries/2)
	for name, filter := range map[string]waitlist.Filter{
		"all":            {},
		"waiting":        {Statuses: []waitlist.Status{waitlist.Waiting}},
		"two_statuses":   {Statuses: []waitlist.Status{waitlist.Waiting, waitlist.Removed}},
		"source":         {Source: pointer("church")},
		"search":         {Query: sensitive.NewText("otieno")},
		"search_invited": {Query: sensitive.NewText("otieno"), Statuses: []waitlist.Status{waitlist.Invited}},
		"search_number":  {Query: sensitive.NewText("07000")},
	} {
		for order, by := range map[waitlist.Order]string{
			waitlist.Newest: `id DESC`, waitlist.Oldest: `id`,
			waitlist.ByPosition: `coalesce(rank_id, id), coalesce(rank_seq, 0), id`,
		} {
			t.Run(name+"_"+string(order), func(t *testing.T) {
				where, args := conditions(filter)
				rows, err := pool.Query(t.Context(), `SELECT entry.id FROM `+entryTables+` WHERE entry.id <= 1000 AND `+where+` ORDER BY `+by, args)
				if err != nil {
					t.Fatalf("read the list: %v", err)
				}
				want, err := collectInts(rows)
				if err != nil {
					t.Fatalf("read the list: %v", err)
				}
				got := readAllPages(t, m, pool, filter, order)
				got = slices.DeleteFunc(got, func(id int64) bool { return id > entries }) // added meanwhile
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("ids (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// readAllPages reads a list, and adds an entry before each page.
func readAllPages(t *testing.T, m *ManagedEntries, pool *pgxpool.Pool, filter waitlist.Filter, order waitlist.Order) []int64 {
	t.Helper()
	all := []int64{}
	request := page.Request{Limit: 50 + rand.IntN(150)}
	for {
		testdb.Exec(t, pool, `
			INSERT INTO waitlist_entry (username, phone_number)
			SELECT 'Otieno', '+2541' || lpad((1 + max(id))::text, 8, '0') FROM waitlist_entry`)
		p, err := m.List(t.Context(), filter, order, request)
		if err != nil {
			t.Fatalf("List after %v: %v", request.After, err)
		}
		all = append(all, idsOf(p.Items)...)
		if p.Next == nil {
			return all
		}
		if len(p.Items) != request.Limit {
			t.Fatalf("a page that is not the last one has %d entries, want %d", len(p.Items), request.Limit)
		}
		request.After = p.Next
	}
}

func TestManagedEntries_List_count_limit(t *testing.T) {
	t.Parallel()
	m, pool := managed(t)
	testdb.Exec(t, pool, `
		INSERT INTO waitlist_entry (username, phone_number)
		SELECT 'Wanjiku', '+2547' || lpad(n::text, 8, '0') FROM generate_series(1, 10001) AS n`)
	fillCounts(t, pool, 9000)
	for name, filter := range map[string]waitlist.Filter{
		"all": {}, "name": {Query: sensitive.NewText("wanjiku")}, "number": {Query: sensitive.NewText("07")},
	} {
		for last, want := range map[int]page.Count{10001: {N: 10000}, 10000: {N: 10000, Exact: true}, 9999: {N: 9999, Exact: true}} {
			only := filter
			only.JoinedBefore = pointer(time.Now().Add(time.Hour))
			testdb.Exec(t, pool, `UPDATE waitlist_entry SET created_at = now() + CASE WHEN id > $1 THEN interval '1 day' ELSE '0' END
				WHERE id > 9990`, last)
			p, err := m.List(t.Context(), only, waitlist.Newest, page.Request{Limit: 1, Count: true})
			if diff := cmp.Diff(&want, p.Count); err != nil || diff != "" {
				t.Errorf("%s of %d entries: error %v (-want +got):\n%s", name, last, err, diff)
			}
		}
	}
}

// A search that the newest entries do not fill uses the indexes.
func TestManagedEntries_List_rare_names(t *testing.T) {
	t.Parallel()
	m, pool := managed(t)
	testdb.Exec(t, pool, `
		INSERT INTO waitlist_entry (username, phone_number, status)
		SELECT CASE WHEN n IN (5, 6, 7, 10990) THEN 'Zipporah' ELSE 'Wanjiku' END, '+2547' || lpad(n::text, 8, '0'),
		       CASE WHEN n = 6 THEN 'invited' ELSE 'waiting' END::waitlist_status
		FROM generate_series(1, 11000) AS n`)
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET rank_id = 10000, rank_seq = 1 WHERE id = 5`)
	fillCounts(t, pool, 10980)
	zipporah := sensitive.NewText("zippor")
	for name, tt := range map[string]struct {
		filter waitlist.Filter
		order  waitlist.Order
		want   []int64
	}{
		"newest":      {waitlist.Filter{Query: zipporah}, waitlist.Newest, []int64{10990, 7, 6, 5}},
		"oldest":      {waitlist.Filter{Query: zipporah}, waitlist.Oldest, []int64{5, 6, 7, 10990}},
		"by_position": {waitlist.Filter{Query: zipporah}, waitlist.ByPosition, []int64{6, 7, 5, 10990}},
		"waiting":     {waitlist.Filter{Query: zipporah, Statuses: []waitlist.Status{waitlist.Waiting}}, waitlist.Newest, []int64{10990, 7, 5}},
		"invited":     {waitlist.Filter{Query: zipporah, Statuses: []waitlist.Status{waitlist.Invited, waitlist.Joined}}, waitlist.ByPosition, []int64{6}},
		"number":      {waitlist.Filter{Query: sensitive.NewText("0700 000 005")}, waitlist.Newest, []int64{5}},
		"number_end":  {waitlist.Filter{Query: sensitive.NewText("10990")}, waitlist.Newest, []int64{10990}},
		"two_letters": {waitlist.Filter{Query: sensitive.NewText("zi")}, waitlist.Oldest, []int64{5, 6, 7, 10990}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, listIDs(t, m, tt.filter, tt.order)); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
			got := []int64{}
			request := page.Request{Limit: 1}
			for {
				p, err := m.List(t.Context(), tt.filter, tt.order, request)
				if err != nil {
					t.Fatalf("List after %v: %v", request.After, err)
				}
				got = append(got, idsOf(p.Items)...)
				if request.After = p.Next; p.Next == nil {
					break
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ids of pages of one entry (-want +got):\n%s", diff)
			}
		})
	}
}

func TestManagedEntries_List_audit(t *testing.T) {
	t.Parallel()
	m, pool := managed(t)
	addNamed(t, pool, "Wanjiku", "Otieno")
	ctx := operator.WithAction(t.Context(), operator.Action{Caller: operator.Caller{Name: "admin"}, RequestID: "R1"})
	for _, query := range []string{"", " ", "wanjiku", "0700 000 001", "0722"} {
		if _, err := m.List(ctx, waitlist.Filter{Query: sensitive.NewText(query)}, waitlist.Newest, page.Request{Limit: 10}); err != nil {
			t.Fatalf("List(%q): %v", query, err)
		}
	}
	rows, err := pool.Query(t.Context(), `SELECT concat_ws(' ', actor, request_id, action, subject, subject_id, details) FROM audit ORDER BY id`)
	if err != nil {
		t.Fatalf("read the audit: %v", err)
	}
	got, err := collectStrings(rows)
	want := []string{
		`admin R1 list.searched list {"q": "[7 characters]", "entries": 1}`,
		`admin R1 list.searched list {"q": "+2547•••••001", "entries": 1}`,
		`admin R1 list.searched list {"q": "•••••", "entries": 0}`,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("audit: error %v (-want +got):\n%s", err, diff)
	}
}

func TestManagedEntries_List_cancelled(t *testing.T) {
	t.Parallel()
	m, _ := managed(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.List(ctx, waitlist.Filter{}, waitlist.Newest, page.Request{Limit: 1}); err == nil || strings.Contains(err.Error(), "internal") {
		t.Errorf("List: got error %v, want that of the context", err)
	}
}
