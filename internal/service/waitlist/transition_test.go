package waitlist_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/resource"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// fakeTransitionStore is a waitlist.TransitionStore that records its calls.
type fakeTransitionStore struct {
	status  waitlist.Status // of the only entry
	matches int64
	err     error

	changes []waitlist.StatusChange
	matched []waitlist.Selection
	started []waitlist.StartedBulk

	searches int // recorded
}

func (s *fakeTransitionStore) Change(_ context.Context, id int64, change waitlist.StatusChange) (waitlist.Entry, bool, error) {
	s.changes = append(s.changes, change)
	changed := slices.Contains(change.From, s.status)
	if changed {
		s.status = change.To
	}
	return waitlist.Entry{ID: id, Status: s.status}, changed, s.err
}

func (s *fakeTransitionStore) Match(_ context.Context, selection waitlist.Selection, _ waitlist.StatusChange) (waitlist.Matches, error) {
	s.matched = append(s.matched, selection)
	return waitlist.Matches{N: s.matches, Sample: []int64{1}}, s.err
}

func (s *fakeTransitionStore) RecordSearch(context.Context, waitlist.Filter, int64) error {
	s.searches++
	return s.err
}

func (s *fakeTransitionStore) StartBulk(_ context.Context, bulk waitlist.StartedBulk) (string, error) {
	s.started = append(s.started, bulk)
	return "/operator/operations/7", s.err
}

func TestTransitions_Apply_Conflict(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from, to waitlist.Status
		want     string // message; empty: none
	}{
		"allowed":       {waitlist.Waiting, waitlist.Invited, ""},
		"not_allowed":   {waitlist.Removed, waitlist.Invited, "the entry is removed and cannot become invited"},
		"status_it_has": {waitlist.Joined, waitlist.Joined, "the entry is joined already"},
	} {
		store := &fakeTransitionStore{status: tt.from}
		entry, err := waitlist.NewTransitions(store).Apply(t.Context(), 5, waitlist.Transition{To: tt.to}).Get()
		if tt.want == "" {
			if err != nil || entry.ID != 5 || entry.Status != tt.to {
				t.Errorf("%s: got the entry %d that is %s, error %v; want entry 5 that is %s", name, entry.ID, entry.Status, err, tt.to)
			}
			continue
		}
		if !fault.Is(err, fault.Conflict) || fault.Of(err).Message != tt.want {
			t.Errorf("%s: got the error %v, want the conflict %q", name, err, tt.want)
		}
	}
}

func TestTransitions_Bulk_RecordsSearch(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   waitlist.Bulk
		want int
	}{
		"search":        {waitlist.Bulk{DryRun: true, Selection: waitlist.Selection{Filter: &waitlist.Filter{Query: sensitive.NewText("0712")}}}, 1},
		"other_filter":  {waitlist.Bulk{DryRun: true, Selection: waitlist.Selection{Filter: &waitlist.Filter{}}}, 0},
		"ids":           {waitlist.Bulk{DryRun: true, Selection: waitlist.Selection{IDs: []int64{1}}}, 0},
		"no_dry_run":    {waitlist.Bulk{Selection: waitlist.Selection{Filter: &waitlist.Filter{Query: sensitive.NewText("0712")}}}, 0},
		"other_matches": {waitlist.Bulk{DryRun: true, Expect: new(int64), Selection: waitlist.Selection{Filter: &waitlist.Filter{Query: sensitive.NewText("x")}}}, 0},
	} {
		store := &fakeTransitionStore{matches: 3}
		tt.in.Action = waitlist.Invite
		_, _ = waitlist.NewTransitions(store).Bulk(t.Context(), tt.in).Get()
		if store.searches != tt.want {
			t.Errorf("%s: %d searches are recorded, want %d", name, store.searches, tt.want)
		}
	}
}

func TestTransitions_Apply_Invalid(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   waitlist.Transition
		want []string // field and code
	}{
		"unknown_status":    {waitlist.Transition{To: "gone"}, []string{"to invalid_value"}},
		"no_status":         {waitlist.Transition{}, []string{"to invalid_value"}},
		"notify":            {waitlist.Transition{To: waitlist.Invited, Notify: true}, []string{"notify invalid_value"}},
		"long_reason":       {waitlist.Transition{To: waitlist.Invited, Reason: sensitive.NewText(strings.Repeat("é", 501))}, []string{"reason too_long"}},
		"control_character": {waitlist.Transition{To: waitlist.Invited, Reason: sensitive.NewText("a\x00b")}, []string{"reason control_character"}},
		"everything":        {waitlist.Transition{To: "x", Reason: sensitive.NewText("\x1b"), Notify: true}, []string{"to invalid_value", "reason control_character", "notify invalid_value"}},
	} {
		store := &fakeTransitionStore{status: waitlist.Waiting}
		_, err := waitlist.NewTransitions(store).Apply(t.Context(), 5, tt.in).Get()
		if diff := cmp.Diff(tt.want, fieldCodes(err)); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", name, diff)
		}
		if store.changes != nil {
			t.Errorf("%s: the store got the changes %v, want none", name, store.changes)
		}
	}
}

// fieldCodes returns the fields of a fault.Invalid with their codes.
func fieldCodes(err error) []string {
	if !fault.Is(err, fault.Invalid) {
		return nil
	}
	var codes []string
	for _, field := range fault.Of(err).Fields {
		codes = append(codes, field.Name+" "+string(field.Code))
	}
	return codes
}

func TestTransitions_Apply_Reason(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{"": "", "  ": "", " asked\nfor it ": "asked\nfor it", strings.Repeat("é", 500): strings.Repeat("é", 500)} {
		store := &fakeTransitionStore{status: waitlist.Waiting}
		_, err := waitlist.NewTransitions(store).Apply(t.Context(), 5, waitlist.Transition{To: waitlist.Removed, Reason: sensitive.NewText(typed)}).Get()
		if err != nil || store.changes[0].Reason.Reveal() != want {
			t.Errorf("reason %q: got %q, error %v; want %q", typed, store.changes[0].Reason.Reveal(), err, want)
		}
	}
}

func TestTransitions_Bulk_Invalid(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   waitlist.Bulk
		want []string // field and code
	}{
		"unknown_action":     {waitlist.Bulk{Action: "joined", Selection: waitlist.Selection{IDs: []int64{1}}}, []string{"action invalid_value"}},
		"neither":            {waitlist.Bulk{Action: waitlist.Invite}, []string{"ids required"}},
		"both":               {waitlist.Bulk{Action: waitlist.Invite, Selection: waitlist.Selection{IDs: []int64{1}, Filter: &waitlist.Filter{}}}, []string{"filter invalid_value"}},
		"no_ids":             {waitlist.Bulk{Action: waitlist.Invite, Selection: waitlist.Selection{IDs: []int64{}}}, []string{"ids invalid_value"}},
		"too_many_ids":       {waitlist.Bulk{Action: waitlist.Invite, Selection: waitlist.Selection{IDs: make([]int64, 10_001)}}, []string{"ids invalid_value"}},
		"id_of_zero":         {waitlist.Bulk{Action: waitlist.Invite, Selection: waitlist.Selection{IDs: []int64{1, 0}}}, []string{"ids out_of_range"}},
		"action_and_entries": {waitlist.Bulk{}, []string{"action invalid_value", "ids required"}},
	} {
		store := &fakeTransitionStore{}
		_, err := waitlist.NewTransitions(store).Bulk(t.Context(), tt.in).Get()
		if diff := cmp.Diff(tt.want, fieldCodes(err)); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", name, diff)
		}
		if store.matched != nil || store.started != nil {
			t.Errorf("%s: the store was called, want no call", name)
		}
	}
}

func TestTransitions_Bulk(t *testing.T) {
	t.Parallel()
	selection := waitlist.Selection{IDs: []int64{3, 1, 3, 2, 1}}
	three, four := int64(3), int64(4)
	for name, tt := range map[string]struct {
		in           waitlist.Bulk
		wantStarted  bool
		wantConflict string
	}{
		"starts":                      {in: waitlist.Bulk{}, wantStarted: true},
		"expected_number":             {in: waitlist.Bulk{Expect: &three}, wantStarted: true},
		"another_number":              {in: waitlist.Bulk{Expect: &four}, wantConflict: "3 entries match, and 4 were expected"},
		"dry_run":                     {in: waitlist.Bulk{DryRun: true}},
		"dry_run_with_another_number": {in: waitlist.Bulk{DryRun: true, Expect: &four}, wantConflict: "3 entries match, and 4 were expected"},
	} {
		store := &fakeTransitionStore{matches: 3}
		tt.in.Action, tt.in.Selection = waitlist.Remove, waitlist.Selection{IDs: slices.Clone(selection.IDs)}
		matches, err := waitlist.NewTransitions(store).Bulk(t.Context(), tt.in).Get()
		switch {
		case tt.wantConflict != "":
			if !fault.Is(err, fault.Conflict) || fault.Of(err).Message != tt.wantConflict {
				t.Errorf("%s: got the error %v, want the conflict %q", name, err, tt.wantConflict)
			}
		case tt.wantStarted:
			var loading *resource.LoadingError
			if !errors.As(err, &loading) || loading.Location != "/operator/operations/7" {
				t.Errorf("%s: got the error %v, want a resource that is loading", name, err)
			}
			want := []waitlist.StartedBulk{{Action: waitlist.Remove, Selection: waitlist.Selection{IDs: []int64{1, 2, 3}}, Matches: 3}}
			if diff := cmp.Diff(want, store.started); diff != "" {
				t.Errorf("%s: started (-want +got):\n%s", name, diff)
			}
		default:
			if diff := cmp.Diff(waitlist.Matches{N: 3, Sample: []int64{1}}, matches); err != nil || diff != "" {
				t.Errorf("%s: error %v, matches (-want +got):\n%s", name, err, diff)
			}
		}
		if !tt.wantStarted && store.started != nil {
			t.Errorf("%s: the store started %v, want nothing", name, store.started)
		}
	}
}
