package whatsappdb_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/check/testdb"
	"aisha/internal/page"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

func TestInbox_UnhandledItems(t *testing.T) {
	t.Parallel()
	inbox := whatsappdb.NewInbox(testdb.Open(t))
	mustStore(t, inbox, webhook.Batch{Unhandled: []webhook.UnhandledItem{
		{Field: "f1", Reason: "r1", Raw: []byte(`{"a":1}`)},
		{Field: "f2", Reason: "r2", Raw: []byte("not UTF-8: \xff")},
		{Field: "f3", Reason: "r3", Raw: []byte{}},
	}})
	type item struct{ Field, Reason, Raw string }
	read := func(request page.Request) (items []item, next []int64) {
		request.Limit, request.Count = 2, true
		p, err := inbox.UnhandledItems(t.Context(), request)
		if err != nil {
			t.Fatalf("UnhandledItems: got error %v, want nil", err)
		}
		if diff := cmp.Diff(&page.Count{N: 3, Exact: true}, p.Count); diff != "" {
			t.Errorf("the count (-want +got):\n%s", diff)
		}
		for _, i := range p.Items {
			if i.ReceivedAt.IsZero() {
				t.Errorf("ReceivedAt of %s: got zero, want a time", i.Field)
			}
			items = append(items, item{i.Field, i.Reason, i.Raw.Reveal()})
		}
		return items, p.Next
	}
	newest, next := read(page.Request{})
	want := []item{{"f3", "r3", ""}, {"f2", "r2", "not UTF-8: \uFFFD"}}
	if diff := cmp.Diff(want, newest); diff != "" {
		t.Errorf("newest page (-want +got):\n%s", diff)
	}
	older, last := read(page.Request{After: next})
	want = []item{{"f1", "r1", `{"a":1}`}}
	if diff := cmp.Diff(want, older); diff != "" {
		t.Errorf("older page (-want +got):\n%s", diff)
	}
	if last != nil {
		t.Errorf("the key after the last page: got %v, want none", last)
	}
}

func TestInbox_UnhandledItems_Excerpt(t *testing.T) {
	t.Parallel()
	const excerpt = whatsapp.UnhandledExcerpt
	inbox := whatsappdb.NewInbox(testdb.Open(t))
	for name, tt := range map[string]struct {
		raw, want string
		truncated bool
	}{
		"whole":            {strings.Repeat("a", excerpt), strings.Repeat("a", excerpt), false},
		"one_byte_longer":  {strings.Repeat("a", excerpt+1), strings.Repeat("a", excerpt), true},
		"cut_in_a_rune":    {strings.Repeat("a", excerpt-1) + "é", strings.Repeat("a", excerpt-1), true},
		"cut_after_a_rune": {strings.Repeat("a", excerpt-2) + "éb", strings.Repeat("a", excerpt-2) + "é", true},
		"invalid_bytes":    {strings.Repeat("a", excerpt-1) + "\xff\xff", strings.Repeat("a", excerpt-1) + "\uFFFD", true},
		"largest_webhook":  {strings.Repeat("\x01", 4<<20), strings.Repeat("\x01", excerpt), true},
	} {
		mustStore(t, inbox, webhook.Batch{Unhandled: []webhook.UnhandledItem{{Field: name, Reason: "r", Raw: []byte(tt.raw)}}})
		p, err := inbox.UnhandledItems(t.Context(), page.Request{Limit: 1})
		if err != nil || len(p.Items) != 1 {
			t.Fatalf("%s: got %d items, error %v, want one", name, len(p.Items), err)
		}
		if got := p.Items[0]; got.Field != name || got.Raw.Reveal() != tt.want || got.Truncated != tt.truncated {
			t.Errorf("%s: got field %s, %d bytes that end in %q, truncated %t; want %d bytes, truncated %t",
				name, got.Field, len(got.Raw.Reveal()), got.Raw.Reveal()[len(got.Raw.Reveal())-3:], got.Truncated, len(tt.want), tt.truncated)
		}
		whole, found, err := inbox.UnhandledItem(t.Context(), p.Items[0].ID)
		if err != nil || !found {
			t.Fatalf("%s: UnhandledItem: got found %t, error %v, want the item", name, found, err)
		}
		if want := strings.ToValidUTF8(tt.raw, "\uFFFD"); whole.Raw.Reveal() != want || whole.Truncated || whole.ReceivedAt.IsZero() {
			t.Errorf("%s: UnhandledItem: got %d bytes, truncated %t, want all %d", name, len(whole.Raw.Reveal()), whole.Truncated, len(want))
		}
	}
}

func TestInbox_UnhandledItem_NotFound(t *testing.T) {
	t.Parallel()
	inbox := whatsappdb.NewInbox(testdb.Open(t))
	if _, found, err := inbox.UnhandledItem(t.Context(), 1); found || err != nil {
		t.Errorf("got found %t, error %v, want neither", found, err)
	}
}
