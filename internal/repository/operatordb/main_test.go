package operatordb_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/operator"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// asOperator returns a context for calls on behalf of an operator.
func asOperator(t *testing.T) context.Context {
	t.Helper()
	return operator.WithAction(t.Context(), operator.Action{Caller: operator.Caller{Name: "admin", All: true}, RequestID: "req1"})
}

// addEntry adds an entry to the waiting list and records it in the audit, in the
// transaction of ctx.
func addEntry(ctx context.Context, t *testing.T, pool *pgxpool.Pool, number string) {
	t.Helper()
	db := postgres.On(ctx, pool)
	var id int64
	err := db.QueryRow(ctx, `INSERT INTO waitlist_entry (phone_number, username) VALUES ($1, 'A') RETURNING id`, number).Scan(&id)
	if err == nil {
		err = operatordb.Record(ctx, db, operator.Event{Action: "entry.added", Subject: "entry", SubjectID: id})
	}
	if err != nil {
		t.Errorf("add an entry: %v", err)
	}
}

// stored is how many rows the changes of a test have left.
type stored struct{ Entries, Audit, Keys int }

func countStored(t *testing.T, pool *pgxpool.Pool) stored {
	t.Helper()
	return stored{
		Entries: testdb.QueryInt(t, pool, `SELECT count(*) FROM waitlist_entry`),
		Audit:   testdb.QueryInt(t, pool, `SELECT count(*) FROM audit`),
		Keys:    testdb.QueryInt(t, pool, `SELECT count(*) FROM idempotency_key`),
	}
}

func wantStored(t *testing.T, pool *pgxpool.Pool, want stored) {
	t.Helper()
	if got := countStored(t, pool); got != want {
		t.Errorf("rows: got %+v, want %+v", got, want)
	}
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timeout while waiting until %s", what)
		}
	}
}

// killOwn ends the session of the transaction of ctx, as a crash of this process
// would.
func killOwn(ctx context.Context, t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	var pid int
	if err := postgres.On(ctx, pool).QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
		t.Errorf("read the process id of the session: %v", err)
	}
	testdb.Exec(t, pool, `SELECT pg_terminate_backend($1, 10000)`, pid)
}
