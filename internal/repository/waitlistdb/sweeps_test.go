package waitlistdb

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/retention"
)

func TestSweeps(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	testdb.Exec(t, pool, `
		INSERT INTO operation (kind, args, actor, request_id, state, finished_at)
		VALUES ('import', '{}', 'a', 'r', 'running', NULL), ('import', '{}', 'a', 'r', 'failed', now())`)
	testdb.Exec(t, pool, `
		INSERT INTO waitlist_import (actor, dry_run, consent_source, operation_id, created_at)
		SELECT 'a', false, 'c', operation_id, now() - age
		FROM (VALUES (1, interval '2 days'), (2, interval '0'), (NULL, interval '23 hours'), (NULL, interval '25 hours')) AS import (operation_id, age)
		     CROSS JOIN generate_series(1, 3)
		ORDER BY age, operation_id`)
	testdb.Exec(t, pool, `INSERT INTO waitlist_import_chunk SELECT id, seq, 'x' FROM waitlist_import CROSS JOIN generate_series(1, 2) AS seq`)

	deleted, err := retention.New(pool, Sweeps()).DeleteExpired(t.Context(), func(context.Context, time.Duration) {})
	if diff := cmp.Diff(map[string]int64{"waitlist_import_chunk": 12}, deleted); diff != "" || err != nil {
		t.Errorf("DeleteExpired: error %v, deleted (-want +got):\n%s", err, diff)
	}
	if n := testdb.QueryInt(t, pool, `
		SELECT count(DISTINCT id)
		FROM waitlist_import JOIN waitlist_import_chunk ON import_id = id
		WHERE operation_id = 1 OR operation_id IS NULL AND created_at > now() - interval '1 day'`); n != 6 {
		t.Errorf("%d files of imports that run and of uploads in progress are left, want 6", n)
	}
	if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM waitlist_import`); n != 12 {
		t.Errorf("%d imports are left, want all 12", n)
	}
}
