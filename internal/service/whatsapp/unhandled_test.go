package whatsapp

import (
	"math"
	"slices"
	"testing"

	"aisha/internal/fault"
)

func TestService_UnhandledItems(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ beforeID, want int64 }{
		"first_page":  {0, math.MaxInt64},
		"negative_id": {-1, math.MaxInt64},
		"next_page":   {7, 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			items, err := New(Options{}, Deps{Inbox: &fakeInbox{}}).UnhandledItems(t.Context(), tt.beforeID).Get()
			if err != nil {
				t.Fatalf("got error %v, want none", err)
			}
			if want := []UnhandledItem{{ID: tt.want, Reason: "50"}}; !slices.Equal(items, want) { // the fake returns the limit as the reason
				t.Errorf("got %+v, want %+v", items, want)
			}
		})
	}
}

func TestService_UnhandledItem(t *testing.T) {
	t.Parallel()
	service := New(Options{}, Deps{Inbox: &fakeInbox{}}) // it has the item 7
	if item, err := service.UnhandledItem(t.Context(), 7).Get(); err != nil || item.ID != 7 {
		t.Errorf("got %+v, error %v, want the item 7", item, err)
	}
	if _, err := service.UnhandledItem(t.Context(), 8).Get(); !fault.Is(err, fault.NotFound) {
		t.Errorf("got error %v, want fault.NotFound", err)
	}
}
