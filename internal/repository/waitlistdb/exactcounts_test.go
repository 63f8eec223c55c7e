package waitlistdb

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/check/testdb"
)

func TestExactCounts(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	entries, counts := NewEntries(pool), NewExactCounts(pool)
	for n := 1; n <= 5; n++ {
		signUp(t, entries, newEntry("x", number(n)))
	}
	testdb.Exec(t, pool, `
		UPDATE waitlist_entry SET status = 'invited', invited_at = now() WHERE id = 2;
		UPDATE waitlist_entry SET rank_id = 0, rank_seq = nextval('waitlist_rank_seq') WHERE id = 5`)
	got, err := counts.Positions(t.Context(), []int64{1, 2, 3, 5, 99})
	if diff := cmp.Diff(map[int64]int64{1: 2, 3: 3, 5: 1}, got); err != nil || diff != "" {
		t.Errorf("error %v, positions (-want +got):\n%s", err, diff)
	}
	if waiting, err := counts.Waiting(t.Context()); err != nil || waiting != 4 {
		t.Errorf("got %d waiting entries, error %v, want 4", waiting, err)
	}
}
