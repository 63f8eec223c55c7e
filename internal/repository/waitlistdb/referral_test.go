package waitlistdb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/operator"
	"aisha/internal/page"
	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

func TestReferralKey(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	first, err := ReferralKey(t.Context(), pool)
	if err != nil || len(first) != 32 {
		t.Fatalf("got %d bytes, error %v, want 32 bytes", len(first), err)
	}
	second, err := ReferralKey(t.Context(), pool)
	if diff := cmp.Diff(first, second); err != nil || diff != "" {
		t.Errorf("second call: error %v, key (-first +second):\n%s", err, diff)
	}
}

func TestReferrals_CountCredited(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	entries, referrals := NewEntries(pool), NewReferrals(pool, pool)
	signUp(t, entries, newEntry("x", number(1)), referred(2, 1), referred(3, 1), referred(4, 1))
	verify(t, entries, waitlist.ReferralRules{Daily: 2, Total: 9}, 2, 3, 4)
	for id, want := range map[int64]int64{1: 2, 2: 0} {
		if got, err := referrals.CountCredited(t.Context(), id); err != nil || got != want {
			t.Errorf("entry %d: got %d, error %v, want %d", id, got, err, want)
		}
	}
	for _, id := range []int64{0, 5, 1<<40 - 1} {
		if _, err := referrals.CountCredited(t.Context(), id); !fault.Is(err, fault.NotFound) {
			t.Errorf("entry %d: got error %v, want fault.NotFound", id, err)
		}
	}
}

// seedReferrals adds the referees 3 to 10, of which the referrer 1 has the odd ones
// and 2 the even ones. 3 and 4 are credited, 5 and 6 held, 7 and 8 refused, 9 and 10
// pending.
func seedReferrals(t *testing.T, pool *pgxpool.Pool) *Entries {
	t.Helper()
	entries := NewEntries(pool)
	signUp(t, entries, newEntry("x", number(1)), newEntry("x", number(2)))
	for n := 3; n <= 10; n++ {
		signUp(t, entries, referred(n, int64(2-n%2)))
	}
	testdb.Exec(t, pool, `
		UPDATE referral
		SET state = CASE WHEN referee_id < 5 THEN 'credited' WHEN referee_id < 7 THEN 'held' WHEN referee_id < 9 THEN 'refused' ELSE 'pending' END,
		    reason = CASE WHEN referee_id IN (5, 6) THEN 'daily_limit' END,
		    decided_at = CASE WHEN referee_id < 5 OR referee_id IN (7, 8) THEN now() END`)
	return entries
}

func TestReferrals_List(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	seedReferrals(t, pool)
	referrals := NewReferrals(pool, pool)
	for name, tt := range map[string]struct {
		filter waitlist.ReferralFilter
		want   [][]int64 // pages of 3
	}{
		"all":                {waitlist.ReferralFilter{}, [][]int64{{10, 9, 8}, {7, 6, 5}, {4, 3}}},
		"held":               {waitlist.ReferralFilter{State: waitlist.ReferralHeld}, [][]int64{{6, 5}}},
		"of_referrer":        {waitlist.ReferralFilter{ReferrerID: 1}, [][]int64{{9, 7, 5}, {3}}},
		"held_of_referrer":   {waitlist.ReferralFilter{State: waitlist.ReferralHeld, ReferrerID: 2}, [][]int64{{6}}},
		"of_nobody":          {waitlist.ReferralFilter{ReferrerID: 99}, [][]int64{{}}},
		"three_are_one_page": {waitlist.ReferralFilter{State: waitlist.ReferralCredited}, [][]int64{{4, 3}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got [][]int64
			total := 0
			request := page.Request{Limit: 3, Count: true}
			for {
				p, err := referrals.List(t.Context(), tt.filter, request)
				if err != nil {
					t.Fatalf("List: %v", err)
				}
				ids := []int64{}
				for _, referral := range p.Items {
					ids = append(ids, referral.ID)
				}
				got = append(got, ids)
				total += len(ids)
				if p.Next == nil {
					if diff := cmp.Diff(&page.Count{N: total, Exact: true}, p.Count); diff != "" {
						t.Errorf("count (-want +got):\n%s", diff)
					}
					break
				}
				request.After = p.Next
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
		})
	}
	p, err := referrals.List(t.Context(), waitlist.ReferralFilter{State: waitlist.ReferralHeld}, page.Request{Limit: 1})
	want := []waitlist.Referral{{ID: 6, ReferrerID: 2, State: waitlist.ReferralHeld, Reason: ptr(sensitive.NewText("daily_limit"))}}
	ignoreTimes := cmpopts.IgnoreTypes(time.Time{})
	if diff := cmp.Diff(want, p.Items, ignoreTimes, cmp.AllowUnexported(sensitive.Text{})); err != nil || diff != "" {
		t.Errorf("error %v, items (-want +got):\n%s", err, diff)
	}
	if age := time.Since(p.Items[0].CreatedAt); age < -time.Minute || age > time.Hour {
		t.Errorf("created_at is %v, want about now", p.Items[0].CreatedAt)
	}
}

// decideAs decides in a transaction of its own, as a route does.
func decideAs(ctx context.Context, pool *pgxpool.Pool, decision waitlist.ReferralDecision) (waitlist.Referral, error) {
	ctx = operator.WithAction(ctx, operator.Action{Caller: operator.Caller{Name: "admin"}, RequestID: "R1"})
	tx, err := pool.Begin(ctx)
	if err != nil {
		return waitlist.Referral{}, err
	}
	referral, err := NewReferrals(pool, pool).Decide(postgres.WithTx(ctx, tx), decision)
	if err != nil {
		return waitlist.Referral{}, errors.Join(err, tx.Rollback(ctx))
	}
	return referral, tx.Commit(ctx)
}

func TestReferrals_Decide(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		decision waitlist.ReferralDecision
		kind     fault.Kind // of the error
		message  string
		state    string // of the referral afterwards
		audit    []string
	}{
		"credit": {
			decision: waitlist.ReferralDecision{ID: 5, State: waitlist.ReferralCredited},
			state:    "credited daily_limit", audit: []string{`admin referral.credited referral 5 R1 {"referrer_id": 1}`},
		},
		"refuse_with_reason": {
			decision: waitlist.ReferralDecision{ID: 5, State: waitlist.ReferralRefused, Reason: sensitive.NewText("same person")},
			state:    "refused same person", audit: []string{`admin referral.refused referral 5 R1 {"referrer_id": 1}`},
		},
		"pending":  {decision: waitlist.ReferralDecision{ID: 9, State: waitlist.ReferralCredited}, kind: fault.Conflict, message: "the referral is pending; only a held one can be decided", state: "pending -"},
		"credited": {decision: waitlist.ReferralDecision{ID: 3, State: waitlist.ReferralRefused}, kind: fault.Conflict, message: "the referral is credited; only a held one can be decided", state: "credited -"},
		"refused":  {decision: waitlist.ReferralDecision{ID: 7, State: waitlist.ReferralRefused}, kind: fault.Conflict, message: "the referral is refused; only a held one can be decided", state: "refused -"},
		"no_referral": {
			decision: waitlist.ReferralDecision{ID: 1, State: waitlist.ReferralCredited}, kind: fault.NotFound,
			message: "there is no referral with this id",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			seedReferrals(t, pool)
			got, err := decideAs(t.Context(), pool, tt.decision)
			if tt.kind != fault.Internal && (!fault.Is(err, tt.kind) || fault.Of(err).Message != tt.message) {
				t.Errorf("got error %v, want %v %q", err, tt.kind, tt.message)
			}
			if tt.kind == fault.Internal && (err != nil || got.State != tt.decision.State || got.DecidedAt == nil) {
				t.Errorf("got %+v, error %v, want the state %s and the time of the decision", got, err, tt.decision.State)
			}
			states := readAll[string](t, pool, fmt.Sprintf(`SELECT state || ' ' || coalesce(reason, '-') FROM referral WHERE referee_id = %d`, tt.decision.ID))
			if tt.state != "" && (len(states) != 1 || states[0] != tt.state) {
				t.Errorf("the referral is %q afterwards, want %q", states, tt.state)
			}
			audit := readAll[string](t, pool, `SELECT concat_ws(' ', actor, action, subject, subject_id, request_id, details) FROM audit`)
			if diff := cmp.Diff(tt.audit, audit, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("audit (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReferrals_Decide_Boost(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		decision waitlist.ReferralDecision
		want     []int64
	}{
		"credit":           {waitlist.ReferralDecision{ID: 6, State: waitlist.ReferralCredited, Boost: 1}, []int64{2, 1, 3, 4, 5, 6, 7, 8, 9, 10}},
		"credit_unboosted": {waitlist.ReferralDecision{ID: 6, State: waitlist.ReferralCredited}, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		"refuse":           {waitlist.ReferralDecision{ID: 6, State: waitlist.ReferralRefused}, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.Open(t)
			seedReferrals(t, pool)
			if _, err := decideAs(t.Context(), pool, tt.decision); err != nil {
				t.Fatalf("Decide: %v", err)
			}
			if diff := cmp.Diff(tt.want, waitingOrder(t, pool)); diff != "" {
				t.Errorf("order of the list (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReferrals_Decide_Concurrent(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	seedReferrals(t, pool)
	var group sync.WaitGroup
	var mu sync.Mutex
	decided, conflicts := 0, 0
	for n := range 10 {
		group.Go(func() {
			state := waitlist.ReferralCredited
			if n%2 == 0 {
				state = waitlist.ReferralRefused
			}
			_, err := decideAs(t.Context(), pool, waitlist.ReferralDecision{ID: 5, State: state})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				decided++
			case fault.Is(err, fault.Conflict):
				conflicts++
			default:
				t.Errorf("Decide: %v", err)
			}
		})
	}
	group.Wait()
	if decided != 1 || conflicts != 9 {
		t.Errorf("%d decisions and %d conflicts, want 1 and 9", decided, conflicts)
	}
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM audit`); n != 1 {
		t.Errorf("the audit has %d rows, want 1", n)
	}
}
