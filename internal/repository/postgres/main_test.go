package postgres_test

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// openEmpty connects to a new database whose only table is item.
func openEmpty(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := testdb.Connect(t, testdb.Empty(t))
	testdb.Exec(t, pool, `CREATE TABLE item (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)`)
	return pool
}

// wantItems checks how many items are stored.
func wantItems(t *testing.T, pool *pgxpool.Pool, want int) {
	t.Helper()
	if got := testdb.QueryInt(t, pool, `SELECT count(*) FROM item`); got != want {
		t.Errorf("%d items are stored, want %d", got, want)
	}
}

// wantNoTransaction checks that no connection of the pool was returned to it in
// a transaction.
func wantNoTransaction(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	if n := testdb.QueryInt(t, pool, `
		SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND state LIKE 'idle in transaction%'`); n != 0 {
		t.Errorf("%d connections are still in a transaction, want 0", n)
	}
}

// batchRecorder records the statements of every batch.
type batchRecorder struct {
	mu      sync.Mutex
	batches [][]string
}

func (r *batchRecorder) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	var statements []string
	for _, q := range data.Batch.QueuedQueries {
		statements = append(statements, q.SQL)
	}
	r.batches = append(r.batches, statements)
	return ctx
}

func (r *batchRecorder) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (r *batchRecorder) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// TraceQueryStart records a statement that is sent without a batch.
func (r *batchRecorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batches = append(r.batches, []string{data.SQL})
	return ctx
}

func (r *batchRecorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// recorded returns a pool for the same database that records its batches.
func recorded(t *testing.T, pool *pgxpool.Pool) (*pgxpool.Pool, *batchRecorder) {
	t.Helper()
	recorder := &batchRecorder{}
	config := pool.Config()
	config.ConnConfig.Tracer = recorder
	traced, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatalf("open the recorded pool: %v", err)
	}
	t.Cleanup(traced.Close)
	return traced, recorder
}
