package whatsappdb_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/whatsappdb"
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
	read := func(beforeID int64) (items []item, lastID int64) {
		page, err := inbox.UnhandledItems(t.Context(), beforeID, 2)
		if err != nil {
			t.Fatalf("UnhandledItems: got error %v, want nil", err)
		}
		for _, i := range page {
			if i.ReceivedAt.IsZero() {
				t.Errorf("ReceivedAt of %s: got zero, want a time", i.Field)
			}
			items, lastID = append(items, item{i.Field, i.Reason, i.Raw.Reveal()}), i.ID
		}
		return items, lastID
	}
	newest, lastID := read(math.MaxInt64)
	want := []item{{"f3", "r3", ""}, {"f2", "r2", "not UTF-8: \uFFFD"}}
	if diff := cmp.Diff(want, newest); diff != "" {
		t.Errorf("newest page (-want +got):\n%s", diff)
	}
	older, _ := read(lastID)
	want = []item{{"f1", "r1", `{"a":1}`}}
	if diff := cmp.Diff(want, older); diff != "" {
		t.Errorf("older page (-want +got):\n%s", diff)
	}
}
