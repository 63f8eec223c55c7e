package waitlistdb

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

func testRules() waitlist.ReferralRules { return waitlist.ReferralRules{Daily: 2, Total: 3} }

func verify(t *testing.T, entries *Entries, rules waitlist.ReferralRules, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		if err := entries.Verify(t.Context(), sensitive.NewPhone(number(n)), sensitive.NewText("x"), rules); err != nil {
			t.Errorf("Verify(%s): %v", number(n), err)
		}
	}
}

// referralStates returns the state and the reason of each referral, in the order of
// the referees.
func referralStates(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	return readAll[string](t, pool, `
		SELECT referee_id || ' ' || state || coalesce(' ' || reason, '') || CASE WHEN decided_at IS NULL THEN ' undecided' ELSE '' END
		FROM referral
		ORDER BY referee_id`)
}

func readAll[T any](t *testing.T, pool *pgxpool.Pool, sql string) []T {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql)
	if err != nil {
		t.Fatalf("query: %v", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("query: %v", err)
	}
	return all
}

func TestEntries_Verify_Referral(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before string // SQL before the verifications
		verify []int
		want   []string
	}{
		"not_verified":             {`SELECT 1`, nil, []string{"2 pending undecided", "3 pending undecided", "4 pending undecided", "5 pending undecided"}},
		"credited":                 {`SELECT 1`, []int{2}, []string{"2 credited", "3 pending undecided", "4 pending undecided", "5 pending undecided"}},
		"verified_again":           {`SELECT 1`, []int{2, 2, 2}, []string{"2 credited", "3 pending undecided", "4 pending undecided", "5 pending undecided"}},
		"referrer_is_not_credited": {`SELECT 1`, []int{1}, []string{"2 pending undecided", "3 pending undecided", "4 pending undecided", "5 pending undecided"}},
		"over_daily_limit":         {`SELECT 1`, []int{2, 3, 4, 4}, []string{"2 credited", "3 credited", "4 held daily_limit undecided", "5 pending undecided"}},
		"credited_a_day_ago": {
			`UPDATE referral SET state = 'credited', decided_at = now() - interval '24 hours 1 second' WHERE referee_id = 5`,
			[]int{2, 3},
			[]string{"2 credited", "3 credited", "4 pending undecided", "5 credited"},
		},
		"over_total_limit": {
			`UPDATE referral SET state = 'credited', decided_at = now() - interval '9 days' WHERE referee_id >= 4;
			 INSERT INTO waitlist_entry (username, phone_number) VALUES ('x', '+254712000006');
			 INSERT INTO referral (referee_id, referrer_id, state, decided_at) VALUES (6, 1, 'credited', now() - interval '9 days')`,
			[]int{2},
			[]string{"2 held total_limit undecided", "3 pending undecided", "4 credited", "5 credited", "6 credited"},
		},
		"removed_referrer": {
			`UPDATE waitlist_entry SET status = 'removed', removed_at = now() WHERE id = 1`, []int{2},
			[]string{"2 refused referrer_removed", "3 pending undecided", "4 pending undecided", "5 pending undecided"},
		},
		"refused_and_held_stay": {
			`UPDATE referral SET state = 'refused', decided_at = now() WHERE referee_id = 2; UPDATE referral SET state = 'held' WHERE referee_id = 3`,
			[]int{2, 3},
			[]string{"2 refused", "3 held undecided", "4 pending undecided", "5 pending undecided"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			entries := NewEntries(pool)
			signUp(t, entries, newEntry("x", number(1)), referred(2, 1), referred(3, 1), referred(4, 1), referred(5, 1))
			testdb.Exec(t, pool, tt.before)
			verify(t, entries, testRules(), tt.verify...)
			if diff := cmp.Diff(tt.want, referralStates(t, pool)); diff != "" {
				t.Errorf("referrals (-want +got):\n%s", diff)
			}
			if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM waitlist_entry WHERE rank_id IS NOT NULL`); n != 0 {
				t.Errorf("%d entries moved without a boost, want none", n)
			}
		})
	}
}

func TestEntries_Verify_Consent(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	entries := NewEntries(pool)
	signUp(t, entries, newEntry("x", number(1)), newEntry("x", number(2)))
	verify(t, entries, testRules(), 1, 1, 3)
	got := readAll[string](t, pool, `
		SELECT entry_id || ' ' || purpose || ' ' || given || ' ' || coalesce(text_version, '-') || ' ' || channel FROM consent`)
	if diff := cmp.Diff([]string{"1 list true - whatsapp"}, got); diff != "" {
		t.Errorf("consents (-want +got):\n%s", diff)
	}
}

func TestEntries_Verify_ConcurrentReferrals(t *testing.T) {
	t.Parallel()
	const referees = 12
	for name, tt := range map[string]struct {
		rules waitlist.ReferralRules
		held  string // reason
	}{
		"daily_limit": {waitlist.ReferralRules{Daily: 4, Total: 50}, "daily_limit"},
		"total_limit": {waitlist.ReferralRules{Daily: 50, Total: 4}, "total_limit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			instances := []*Entries{NewEntries(pool), NewEntries(pool)}
			signUp(t, instances[0], newEntry("x", number(1)))
			for n := range referees {
				signUp(t, instances[0], referred(2+n, 1))
			}
			var group sync.WaitGroup
			for n := range 2 * referees { // each referee twice
				group.Go(func() { verify(t, instances[n%2], tt.rules, 2+n/2) })
			}
			group.Wait()
			got := readAll[string](t, pool, `SELECT state || ' ' || coalesce(reason, '-') || ' ' || count(*) FROM referral GROUP BY state, reason ORDER BY 1`)
			if diff := cmp.Diff([]string{"credited - 4", fmt.Sprintf("held %s %d", tt.held, referees-4)}, got); diff != "" {
				t.Errorf("referrals (-want +got):\n%s", diff)
			}
		})
	}
	// Each is the referrer of the next. Their locks must not deadlock.
	t.Run("chain", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		entries := NewEntries(pool)
		signUp(t, entries, newEntry("x", number(1)))
		for n := range referees {
			signUp(t, entries, referred(2+n, int64(1+n)))
		}
		var group sync.WaitGroup
		for n := range referees {
			group.Go(func() { verify(t, entries, waitlist.ReferralRules{Daily: 1, Total: 1, Boost: 1}, 2+n) })
		}
		group.Wait()
		if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM referral WHERE state = 'credited'`); n != referees {
			t.Errorf("%d referrals are credited, want %d", n, referees)
		}
	})
}

// waitingOrder returns the ids of the waiting entries in the order of the list.
func waitingOrder(t *testing.T, pool *pgxpool.Pool) []int64 {
	t.Helper()
	return readAll[int64](t, pool, `
		SELECT id
		FROM waitlist_entry
		WHERE status = 'waiting'
		ORDER BY coalesce(rank_id, id), coalesce(rank_seq, 0), id`)
}

// The entries 1 to 6 are on the list, and 7 to 9 are referred by 5.
func TestEntries_Verify_Boost(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before string // SQL before the verifications
		boost  int
		verify []int
		want   []int64
	}{
		"no_boost":        {`SELECT 1`, 0, []int{7}, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9}},
		"one_place":       {`SELECT 1`, 1, []int{7}, []int64{1, 2, 3, 5, 4, 6, 7, 8, 9}},
		"three_places":    {`SELECT 1`, 3, []int{7}, []int64{1, 5, 2, 3, 4, 6, 7, 8, 9}},
		"to_the_front":    {`SELECT 1`, 4, []int{7}, []int64{5, 1, 2, 3, 4, 6, 7, 8, 9}},
		"too_many_places": {`SELECT 1`, 100, []int{7}, []int64{5, 1, 2, 3, 4, 6, 7, 8, 9}},
		"three_times":     {`SELECT 1`, 1, []int{7, 8, 9}, []int64{1, 5, 2, 3, 4, 6, 7, 8, 9}},
		"first_stays":     {`UPDATE waitlist_entry SET status = 'invited', invited_at = now() WHERE id < 5`, 2, []int{7}, []int64{5, 6, 7, 8, 9}},
		"only_waiting_entries_count": {
			`UPDATE waitlist_entry SET status = 'invited', invited_at = now() WHERE id IN (3, 4)`, 1, []int{7},
			[]int64{1, 5, 2, 6, 7, 8, 9},
		},
		"invited_referrer_stays": {
			`UPDATE waitlist_entry SET status = 'invited', invited_at = now() WHERE id = 5`, 2, []int{7},
			[]int64{1, 2, 3, 4, 6, 7, 8, 9},
		},
		"held_referral_moves_nobody": {`UPDATE referral SET state = 'held'`, 2, []int{7}, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9}},
		"before_a_moved_entry": {
			`UPDATE waitlist_entry SET rank_id = 3, rank_seq = nextval('waitlist_rank_seq') WHERE id = 6`, 3, []int{7},
			[]int64{1, 2, 5, 3, 6, 4, 7, 8, 9},
		},
		"behind_a_moved_entry": {
			`UPDATE waitlist_entry SET rank_id = 3, rank_seq = nextval('waitlist_rank_seq') WHERE id = 6`, 1, []int{7},
			[]int64{1, 2, 3, 6, 5, 4, 7, 8, 9},
		},
		"moved_to_the_end_before": {
			`UPDATE waitlist_entry SET rank_id = 9, rank_seq = nextval('waitlist_rank_seq') WHERE id = 5`, 2, []int{7},
			[]int64{1, 2, 3, 4, 6, 7, 5, 8, 9},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			entries := NewEntries(pool)
			for n := 1; n <= 6; n++ {
				signUp(t, entries, newEntry("x", number(n)))
			}
			signUp(t, entries, referred(7, 5), referred(8, 5), referred(9, 5))
			testdb.Exec(t, pool, tt.before)
			verify(t, entries, waitlist.ReferralRules{Daily: 10, Total: 50, Boost: tt.boost}, tt.verify...)
			verify(t, entries, waitlist.ReferralRules{Daily: 10, Total: 50, Boost: tt.boost}, tt.verify...) // moves nothing
			if diff := cmp.Diff(tt.want, waitingOrder(t, pool)); diff != "" {
				t.Errorf("order of the list (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("at_once", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Open(t)
		entries := NewEntries(pool)
		const others = 40
		for n := 1; n <= others; n++ {
			signUp(t, entries, newEntry("x", number(n)))
		}
		for n := 1; n <= 10; n++ {
			signUp(t, entries, referred(others+n, others))
		}
		var group sync.WaitGroup
		for n := 1; n <= 10; n++ {
			group.Go(func() { verify(t, entries, waitlist.ReferralRules{Daily: 10, Total: 50, Boost: 3}, others+n) })
		}
		group.Wait()
		if got := waitingOrder(t, pool); got[others-1-30] != others {
			t.Errorf("the order of the list is %v, want %d 30 places up", got, others)
		}
	})
}
