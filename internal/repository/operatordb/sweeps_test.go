package operatordb_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/retention"
)

func TestSweeps(t *testing.T) {
	t.Parallel()
	pool := testdb.Open(t)
	// 1,500 rows of each table are expired and 500 are not.
	testdb.Exec(t, pool, `
		INSERT INTO audit (actor, action, subject, request_id, at)
		SELECT 'a', 'b', 'c', 'd', now() - interval '730 days' + (n - 1500.5) * interval '1 minute' FROM generate_series(1, 2000) AS n`)
	testdb.Exec(t, pool, `
		INSERT INTO idempotency_key (caller, key, path, body_sha256, status, header, body, created_at)
		SELECT 'a', n::text, 'p', '', 200, '{}', '', now() - interval '24 hours' + (n - 1500.5) * interval '1 minute' FROM generate_series(1, 2000) AS n`)
	testdb.Exec(t, pool, `
		INSERT INTO operation (kind, args, actor, request_id, state, created_at, finished_at)
		SELECT 'k', '{}', 'a', 'r', 'succeeded', now() - interval '1 year', now() - interval '90 days' + (n - 1500.5) * interval '1 minute'
		FROM generate_series(1, 2000) AS n`)
	testdb.Exec(t, pool, `
		INSERT INTO operation (kind, args, actor, request_id, state, created_at) VALUES ('k', '{}', 'a', 'r', 'running', now() - interval '1 year')`)

	deleted, err := retention.New(pool, operatordb.Sweeps()).DeleteExpired(t.Context(), func(context.Context, time.Duration) {})
	if diff := cmp.Diff(map[string]int64{"audit": 1500, "idempotency_key": 1500, "operation": 1500}, deleted); diff != "" || err != nil {
		t.Errorf("DeleteExpired: error %v, deleted (-want +got):\n%s", err, diff)
	}
	for table, want := range map[string]int{"audit": 500, "idempotency_key": 500, "operation": 501} {
		if n := testdb.QueryInt(t, pool, `SELECT count(*) FROM `+table); n != want {
			t.Errorf("%d rows are left in %s, want %d", n, table, want)
		}
	}
}
