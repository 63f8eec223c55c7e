package waitlistdb

import (
	"strings"
	"testing"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
)

func TestWarnings(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	if warnings, err := Warnings(t.Context(), pool); len(warnings) != 0 || err != nil {
		t.Errorf("got %q, %v; want no warning", warnings, err)
	}
	testdb.Exec(t, pool, `DROP INDEX waitlist_search_words_trgm`)
	if warnings, err := Warnings(t.Context(), pool); len(warnings) != 1 || !strings.Contains(strings.Join(warnings, ""), "pg_trgm") || err != nil {
		t.Errorf("without the index: got %q, %v; want one warning about pg_trgm", warnings, err)
	}
	pool = testdb.Connect(t, "postgres://127.0.0.1:1/x?sslmode=disable")
	if _, err := Warnings(t.Context(), pool); !fault.Is(err, fault.Unavailable) {
		t.Errorf("unreachable database: got %v, want %v", err, fault.Unavailable)
	}
}
