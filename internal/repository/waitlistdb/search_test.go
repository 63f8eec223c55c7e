package waitlistdb

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"aisha/internal/check/testdb"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

func collectInts(rows pgx.Rows) ([]int64, error) { return pgx.CollectRows(rows, pgx.RowTo[int64]) }

func collectStrings(rows pgx.Rows) ([]string, error) { return pgx.CollectRows(rows, pgx.RowTo[string]) }

func TestManagedEntries_List_search(t *testing.T) {
	t.Parallel()
	m, pool := managed(t)
	for i, entry := range [][2]string{
		0: {"Wanjirũ Kamau", "+254712345678"},
		1: {"JOSÉ ÉLODIE", "+254722000111"},
		2: {"Ng\u2019ang\u2019a  Otieno", "+254110123456"},
		3: {"100%_Sure\\Thing", "+254733999712"},
		4: {"Team 712", "+254700555444"},
		5: {"ＦＵＬＬ width", "+254790712000"},
		6: {"Mary \"O'Neil", "+254701000254"},
	} {
		testdb.Exec(t, pool, `INSERT INTO waitlist_entry (username, phone_number) VALUES ($1, $2)`, entry[0], entry[1])
		if id := testdb.QueryInt(t, pool, `SELECT max(id) FROM waitlist_entry`); id != i+1 {
			t.Fatalf("the entry %q has the id %d, want %d", entry[0], id, i+1)
		}
	}
	all := []int64{1, 2, 3, 4, 5, 6, 7}
	searches := map[string][]int64{
		// parts of names
		"wanjiru": {1}, "WANJIRŨ": {1}, "njir": {1}, "jirũ k": {1}, " kamau ": {1}, "jose": {2}, "josé": {2}, "elodie": {2}, "ÉLODIE": {2},
		"E\u0301lodie": {2}, "nganga": {3}, "ng'ang'a": {3}, "NG\u2019ANG\u2019A OTIENO": {3}, "full": {6}, "ｆｕｌｌ": {6}, "o'neil": {7}, "\"o": {7},
		"a": {1, 3, 5, 7}, "kamau wanjiru": {}, "nobody": {},
		// wildcards are letters like any other
		"100%": {4}, "%_sure": {4}, "sure\\t": {4}, "1%s": {}, "100_": {}, "j_se": {}, "％_sure": {4}, "a%": {}, "\\": {}, "%": {}, "_": {}, "'": {}, "…": {},
		// beginnings of numbers
		"0712": {1}, "0712345678": {1}, "+254712": {1}, "254712": {1}, "00254 712": {1}, "000254712": {1}, "0254712": {1}, "+254 (0) 712": {1},
		"2540712": {1}, "712345678": {1}, "0712-345-678": {1}, "(0712) 345": {1}, "0712.345": {1}, "+254 712 345 678": {1}, "\u202a+254 712\u202c": {1},
		"٠٧١٢٣٤": {1}, "011": {3}, "0110": {3}, "110": {3}, "2541": {3}, "+254": all, "2": all, "25": all, "254": all, "0": all, "+2": all,
		"+255": {}, "00255": {}, "07123456789": {}, "+0712": {}, "+712": {},
		// ends of numbers
		"678": {1}, "5678": {1}, "345 678": {1}, "9712": {4}, "12345678": {1}, "999712": {4}, "345679": {},
		// a number is part of a name, the beginning or the end of a number, not its middle
		"712": {1, 4, 5}, "345": {}, "71": {1}, "12": {4}, "5": {}, "10": {}, "100": {4}, "44": {5}, "54": {7}, "Team 7": {5}, "team 712 254": {},
		// nothing to search for
		"+": {}, "-": {}, "()": {}, "\u200b": {},
	}
	for _, counted := range []int{0, 4, 7} {
		fillCounts(t, pool, counted)
		for query, want := range searches {
			filter := waitlist.Filter{Query: sensitive.NewText(query)}
			if diff := cmp.Diff(want, listIDs(t, m, filter, waitlist.Oldest)); diff != "" {
				t.Errorf("search for %q, counted to %d: ids (-want +got):\n%s", query, counted, diff)
			}
			where, args := conditions(filter)
			rows, err := pool.Query(t.Context(), `SELECT entry.id FROM `+entryTables+` WHERE `+where+` ORDER BY entry.id`, args)
			if err != nil {
				t.Fatalf("search for %q by index: %v", query, err)
			}
			got, err := collectInts(rows)
			if diff := cmp.Diff(want, append([]int64{}, got...)); err != nil || diff != "" {
				t.Errorf("search for %q by index, counted to %d: error %v; ids (-want +got):\n%s", query, counted, err, diff)
			}
		}
	}
}

// A new name is found at once, and the old one is not found any more.
func TestManagedEntries_List_search_renamed(t *testing.T) {
	t.Parallel()
	m, pool := managed(t)
	addNamed(t, pool, "Wanjiku", "Wanjiku", "Wanjiku")
	fillCounts(t, pool, 2)
	testdb.Exec(t, pool, `UPDATE waitlist_entry SET username = 'Achieng' WHERE id IN (2, 3)`)
	for query, want := range map[string][]int64{"wanjiku": {1}, "achieng": {2, 3}, "0700000002": {2}, "00002": {2}} {
		filter := waitlist.Filter{Query: sensitive.NewText(query)}
		if diff := cmp.Diff(want, listIDs(t, m, filter, waitlist.Oldest)); diff != "" {
			t.Errorf("search for %q: ids (-want +got):\n%s", query, diff)
		}
		where, args := conditions(filter)
		n := 0
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM `+entryTables+` WHERE `+where, args).Scan(&n); err != nil || n != len(want) {
			t.Errorf("search for %q by index: got %d entries, error %v; want %d", query, n, err, len(want))
		}
	}
}

func TestWaitlistIDAt(t *testing.T) {
	t.Parallel()
	_, pool := managed(t)
	if got := testdb.QueryInt(t, pool, `SELECT waitlist_id_at(now())`); got != 0 {
		t.Errorf("in an empty table: got %d, want 0", got)
	}
	const entries = 30_000
	testdb.Exec(t, pool, `
		INSERT INTO waitlist_entry (username, phone_number, created_at)
		SELECT 'x', '+2547' || lpad(n::text, 8, '0'), '2026-01-01Z'::timestamptz + n * interval '1 minute'
		FROM generate_series(1, $1::int) AS n`, entries)
	testdb.Exec(t, pool, `DELETE FROM waitlist_entry WHERE id % 3 = 0`)
	for _, at := range []int{-1, 0, 1, 4095, 4096, 4097, 15_000, 29_999, 30_000, 40_000} {
		got := testdb.QueryInt(t, pool, `SELECT waitlist_id_at('2026-01-01Z'::timestamptz + $1 * interval '1 minute')`, at)
		if first := min(max(at, 1), entries); got >= first || got < first-4096-2 {
			t.Errorf("at minute %d: got %d, want at most 4,096 below %d", at, got, first)
		}
	}
}

func TestWaitlistNamePattern(t *testing.T) {
	t.Parallel()
	_, pool := managed(t)
	var pattern, indexes string
	if err := pool.QueryRow(t.Context(), `
		SELECT waitlist_name_pattern('É_%\x'), (SELECT string_agg(indexname, ' ') FROM pg_indexes WHERE tablename = 'waitlist_search')`,
	).Scan(&pattern, &indexes); err != nil {
		t.Fatalf("read the pattern: %v", err)
	}
	if want := `%e\_\%\\x% %`; pattern != want {
		t.Errorf("got the pattern %s, want %s", pattern, want)
	}
	if want := "waitlist_search_pkey waitlist_search_words_trgm"; indexes != want {
		t.Errorf("got the indexes %s, want %s", indexes, want)
	}
}

// Without pg_trgm the migration makes another index and another pattern: names are found
// by their beginning, by the newest entries and by the index alike.
func TestManagedEntries_List_search_without_trigrams(t *testing.T) {
	t.Parallel()
	m, pool := managed(t)
	addNamed(t, pool, "Kamau Wanjiku", "Wanjiku Kamau", "WÁNJIRU", "Otieno")
	testdb.Exec(t, pool, `DROP EXTENSION pg_trgm CASCADE`)
	testdb.Exec(t, pool, `CREATE INDEX waitlist_search_words_prefix ON waitlist_search (words, entry_id)`)
	testdb.Exec(t, pool, `
		CREATE OR REPLACE FUNCTION waitlist_name_pattern(name text) RETURNS text
		LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
		RETURN regexp_replace(waitlist_fold(name), '([\\%_])', '\\\1', 'g') || '% %'`)
	for _, counted := range []int{0, 2, 4} {
		fillCounts(t, pool, counted)
		for query, want := range map[string][]int64{"wanji": {2, 3}, "kamau": {1}, "jiku": {}, "0003": {3}, "0700000004": {4}} {
			filter := waitlist.Filter{Query: sensitive.NewText(query)}
			if diff := cmp.Diff(want, listIDs(t, m, filter, waitlist.Oldest)); diff != "" {
				t.Errorf("search for %q, counted to %d: ids (-want +got):\n%s", query, counted, diff)
			}
			where, args := conditions(filter)
			n := 0
			if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM `+entryTables+` WHERE `+where, args).Scan(&n); err != nil || n != len(want) {
				t.Errorf("search for %q by index, counted to %d: got %d entries, error %v; want %d", query, counted, n, err, len(want))
			}
		}
	}
}
