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

// fakeEntryStore is a waitlist.EntryStore, and a waitlist.Positions in which the
// position of an entry is ten times its id.
type fakeEntryStore struct {
	entries []waitlist.Entry
	updates []waitlist.EntryUpdate
	asked   []int64 // ids whose positions were read
	err     error   // of Positions
}

func (s *fakeEntryStore) List(context.Context, waitlist.Filter, waitlist.Order, page.Request) (page.Page[waitlist.Entry], error) {
	return page.Page[waitlist.Entry]{Items: s.entries, Next: []int64{1}}, nil
}

func (s *fakeEntryStore) Get(context.Context, int64, []waitlist.Expansion) (waitlist.Details, error) {
	return waitlist.Details{Entry: s.entries[0]}, nil
}

func (s *fakeEntryStore) Update(_ context.Context, _ int64, update waitlist.EntryUpdate) (waitlist.Entry, error) {
	s.updates = append(s.updates, update)
	return waitlist.Entry{ID: 1}, nil
}

func (s *fakeEntryStore) Positions(_ context.Context, ids []int64) (map[int64]int64, error) {
	s.asked = append(s.asked, ids...)
	positions := map[int64]int64{}
	for _, id := range ids {
		positions[id] = 10 * id
	}
	return positions, s.err
}

func TestManager_List(t *testing.T) {
	t.Parallel()
	store := &fakeEntryStore{entries: []waitlist.Entry{
		{ID: 1, Status: waitlist.Waiting}, {ID: 2, Status: waitlist.Invited}, {ID: 3, Status: waitlist.Waiting},
	}}
	manager := waitlist.NewManager(store, store)
	for _, expansions := range [][]waitlist.Expansion{nil, {waitlist.ExpandPosition}} {
		p, err := manager.List(t.Context(), waitlist.ListRequest{Expansions: expansions}).Get()
		if err != nil || len(p.Items) != 3 || len(p.Next) != 1 {
			t.Fatalf("List: got %d entries and the next page %v, error %v; want 3 and one", len(p.Items), p.Next, err)
		}
		got := []int64{}
		for _, d := range p.Items {
			if d.Position != nil {
				got = append(got, d.ID, *d.Position)
			}
		}
		want := []int64{}
		if expansions != nil {
			want = []int64{1, 10, 3, 30}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("with the expansions %v: ids and positions (-want +got):\n%s", expansions, diff)
		}
	}
	if diff := cmp.Diff([]int64{1, 3}, store.asked); diff != "" {
		t.Errorf("entries whose positions were read (-want +got):\n%s", diff)
	}
	store.err = fault.New(fault.Unavailable, "later")
	if _, err := manager.List(t.Context(), waitlist.ListRequest{Expansions: []waitlist.Expansion{waitlist.ExpandPosition}}).Get(); !errors.Is(err, store.err) {
		t.Errorf("List without positions: got error %v, want %v", err, store.err)
	}
}

func TestManager_Get(t *testing.T) {
	t.Parallel()
	for status, want := range map[waitlist.Status]int64{waitlist.Waiting: 70, waitlist.Removed: 0} {
		store := &fakeEntryStore{entries: []waitlist.Entry{{ID: 7, Status: status}}}
		details, err := waitlist.NewManager(store, store).Get(t.Context(), 7, []waitlist.Expansion{waitlist.ExpandPosition}).Get()
		got := int64(0)
		if details.Position != nil {
			got = *details.Position
		}
		if err != nil || got != want {
			t.Errorf("%s entry: got the position %d, error %v; want %d (0: none)", status, got, err, want)
		}
	}
}

func TestManager_Update(t *testing.T) {
	t.Parallel()
	value := func(s string) *string { return &s }
	for name, tt := range map[string]struct {
		in     waitlist.Edit
		want   [3]string         // username, source and note; "-": unchanged
		fields map[string]string // codes of the invalid members
	}{
		"nothing":         {in: waitlist.Edit{}, want: [3]string{"-", "-", "-"}},
		"cleaned":         {in: waitlist.Edit{Username: value(" Amani\n"), Source: value(" church "), Note: value(" a\r\n\tb\n ")}, want: [3]string{"Amani", "church", "a\n\tb"}},
		"blank_is_none":   {in: waitlist.Edit{Source: value(" "), Note: value("")}, want: [3]string{"-", "", ""}},
		"longest":         {in: waitlist.Edit{Source: value(strings.Repeat("é", 64)), Note: value(strings.Repeat("é", 2000))}, want: [3]string{"-", strings.Repeat("é", 64), strings.Repeat("é", 2000)}},
		"blank_name":      {in: waitlist.Edit{Username: value(" ")}, fields: map[string]string{"username": "required"}},
		"invisible_name":  {in: waitlist.Edit{Username: value("\u200b-")}, fields: map[string]string{"username": "not_visible"}},
		"too_long":        {in: waitlist.Edit{Username: value(strings.Repeat("a", 101)), Source: value(strings.Repeat("a", 65)), Note: value(strings.Repeat("a", 2001))}, fields: map[string]string{"username": "too_long", "source": "too_long", "note": "too_long"}},
		"control":         {in: waitlist.Edit{Source: value("a\nb"), Note: value("a\x00b")}, fields: map[string]string{"source": "control_character", "note": "control_character"}},
		"lone_cr_in_note": {in: waitlist.Edit{Note: value("a\rb")}, fields: map[string]string{"note": "control_character"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &fakeEntryStore{}
			tt.in.Versions = []string{"42"}
			_, err := waitlist.NewManager(store, store).Update(t.Context(), 1, tt.in).Get()
			if tt.fields != nil {
				got := map[string]string{}
				for _, field := range fault.Of(err).Fields {
					got[field.Name] = string(field.Code)
				}
				if diff := cmp.Diff(tt.fields, got); !fault.Is(err, fault.Invalid) || len(store.updates) != 0 || diff != "" {
					t.Errorf("got error %v and %d updates; fields (-want +got):\n%s", err, len(store.updates), diff)
				}
				return
			}
			if err != nil || len(store.updates) != 1 {
				t.Fatalf("got %d updates, error %v; want 1", len(store.updates), err)
			}
			update, got := store.updates[0], [3]string{"-", "-", "-"}
			for i, text := range []*sensitive.Text{update.Username, nil, update.Note} {
				if text != nil {
					got[i] = text.Reveal()
				}
			}
			if update.Source != nil {
				got[1] = *update.Source
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || len(update.Versions) != 1 {
				t.Errorf("got the versions %v, want 42; update (-want +got):\n%s", update.Versions, diff)
			}
		})
	}
}

func TestFilter_MaskedQuery(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"Wanjiku Kamau": "[13 characters]", "0712345678": "+2547•••••678", "+254 712 345 678": "+2547•••••678", "712": "•••••", "00": "[2 characters]",
	} {
		if got := (waitlist.Filter{Query: sensitive.NewText(query)}).MaskedQuery(); got != want {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
}
