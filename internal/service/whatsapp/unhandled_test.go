package whatsapp

import (
	"math"
	"slices"
	"testing"
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
