package waitlist_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/page"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// fakeReferrals is a store of referrals in which only the entry 7 exists.
type fakeReferrals struct {
	asked    []int64 // by CountCredited
	decision waitlist.ReferralDecision
	err      error
}

func (s *fakeReferrals) CountCredited(_ context.Context, id int64) (int64, error) {
	s.asked = append(s.asked, id)
	if s.err != nil {
		return 0, s.err
	}
	if id != 7 {
		return 0, fault.New(fault.NotFound, "there is no entry with this id")
	}
	return 3, nil
}

func (s *fakeReferrals) List(context.Context, waitlist.ReferralFilter, page.Request) (page.Page[waitlist.Referral], error) {
	return page.Page[waitlist.Referral]{Items: []waitlist.Referral{{ID: 9}}}, s.err
}

func (s *fakeReferrals) Decide(_ context.Context, decision waitlist.ReferralDecision) (waitlist.Referral, error) {
	s.decision = decision
	return waitlist.Referral{ID: decision.ID, State: decision.State}, s.err
}

// fakeCounts has the positions of entries.
type fakeCounts struct {
	positions map[int64]int64
	err       error
}

func (c fakeCounts) Positions(context.Context, []int64) (map[int64]int64, error) {
	return c.positions, c.err
}

func (c fakeCounts) Waiting(context.Context) (int64, error) { return 20, c.err }

func newReferrals(store *fakeReferrals, counts fakeCounts) *waitlist.Referrals {
	return waitlist.NewReferrals(waitlist.ReferralOptions{Store: store, Counts: counts, Codes: waitlist.NewCoder(nil), Boost: 5})
}

func TestReferrals_ByCode(t *testing.T) {
	t.Parallel()
	code, position := waitlist.NewCoder(nil).Code(7), int64(4)
	unavailable := fault.New(fault.Unavailable, "later")
	for name, tt := range map[string]struct {
		code   string
		store  fakeReferrals
		counts fakeCounts
		want   waitlist.CodeStatus
		kind   fault.Kind // of the error
		asked  int64      // the entry that was looked up
	}{
		"waiting":            {code: code, counts: fakeCounts{positions: map[int64]int64{7: 4}}, want: waitlist.CodeStatus{Position: &position, Waiting: 20, Referrals: 3}, asked: 7},
		"not_waiting":        {code: strings.ToLower(code), want: waitlist.CodeStatus{Waiting: 20, Referrals: 3}, asked: 7},
		"unknown":            {code: waitlist.NewCoder(nil).Code(8), kind: fault.NotFound, asked: 8},
		"malformed":          {code: "hello", kind: fault.NotFound, asked: 0},
		"store_unavailable":  {code: code, store: fakeReferrals{err: unavailable}, kind: fault.Unavailable, asked: 7},
		"counts_unavailable": {code: code, counts: fakeCounts{err: unavailable}, kind: fault.Unavailable, asked: 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := newReferrals(&tt.store, tt.counts).ByCode(t.Context(), tt.code).Get()
			if fault.Is(err, tt.kind) != (tt.kind != fault.Internal) || (err != nil) != (tt.kind != fault.Internal) {
				t.Errorf("got error %v, want the kind %v (internal: no error)", err, tt.kind)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]int64{tt.asked}, tt.store.asked); diff != "" {
				t.Errorf("looked up entries (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("same_message_for_malformed_and_unknown", func(t *testing.T) {
		t.Parallel()
		referrals := newReferrals(&fakeReferrals{}, fakeCounts{})
		_, malformed := referrals.ByCode(t.Context(), "hello").Get()
		_, unknown := referrals.ByCode(t.Context(), waitlist.NewCoder(nil).Code(8)).Get()
		if fault.Of(malformed).Message != fault.Of(unknown).Message {
			t.Errorf("got %q for a malformed code and %q for an unknown one, want the same", malformed, unknown)
		}
	})
}

func TestReferrals_List(t *testing.T) {
	t.Parallel()
	got, err := newReferrals(&fakeReferrals{}, fakeCounts{}).List(t.Context(), waitlist.ReferralFilter{}, page.Request{Limit: 1}).Get()
	if err != nil || len(got.Items) != 1 || got.Items[0].ID != 9 {
		t.Errorf("got %+v, error %v, want the referral 9", got, err)
	}
}

func TestReferrals_Decide(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reason string
		stored string // reason
		code   fault.FieldCode
	}{
		"no_reason":       {},
		"reason":          {reason: " known person\n", stored: "known person"},
		"blank_reason":    {reason: " "},
		"long_reason":     {reason: strings.Repeat("a", 501), code: fault.FieldTooLong},
		"reason_with_nul": {reason: "a\x00", code: fault.FieldControlCharacter},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &fakeReferrals{}
			referrals := newReferrals(store, fakeCounts{})
			credited, creditErr := referrals.Credit(t.Context(), 9, sensitive.NewText(tt.reason)).Get()
			credit := store.decision
			refused, refuseErr := referrals.Refuse(t.Context(), 9, sensitive.NewText(tt.reason)).Get()
			if tt.code != "" {
				for _, err := range []error{creditErr, refuseErr} {
					fields := fault.Of(err).Fields
					if len(fields) != 1 || fields[0].Name != "reason" || fields[0].Code != tt.code {
						t.Errorf("got error %v with fields %v, want reason %s", err, fields, tt.code)
					}
				}
				return
			}
			if creditErr != nil || refuseErr != nil || credited.State != waitlist.ReferralCredited || refused.State != waitlist.ReferralRefused {
				t.Errorf("got %+v and %+v, errors %v and %v, want a credited and a refused referral", credited, refused, creditErr, refuseErr)
			}
			stored := sensitive.NewText(tt.stored)
			if want := (waitlist.ReferralDecision{ID: 9, State: waitlist.ReferralCredited, Reason: stored, Boost: 5}); credit != want {
				t.Errorf("Credit: the store got %+v, want %+v", credit, want)
			}
			if want := (waitlist.ReferralDecision{ID: 9, State: waitlist.ReferralRefused, Reason: stored}); store.decision != want {
				t.Errorf("Refuse: the store got %+v, want %+v", store.decision, want)
			}
		})
	}
	t.Run("store_error", func(t *testing.T) {
		t.Parallel()
		want := fault.New(fault.Conflict, "the referral is credited")
		_, err := newReferrals(&fakeReferrals{err: want}, fakeCounts{}).Credit(t.Context(), 9, sensitive.Text{}).Get()
		if !errors.Is(err, want) {
			t.Errorf("got error %v, want %v", err, want)
		}
	})
}
