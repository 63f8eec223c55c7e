package instance_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/repository/instance"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// open connects to a new database without tables: the locks need none.
func open(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return testdb.Connect(t, testdb.Empty(t))
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timeout while waiting until %s", what)
		}
	}
}

// personWithWork is the only person for whom work is left.
const personWithWork = 8

func queueWorkLeft(batch *pgx.Batch, personID int64, left *bool) {
	batch.Queue(`SELECT $1::bigint = $2::bigint`, personID, personWithWork).QueryRow(func(row pgx.Row) error { return row.Scan(left) })
}

// newLocks returns the locks of an instance. They are closed when the test ends.
func newLocks(t *testing.T, pool *pgxpool.Pool, name string) *instance.Locks {
	t.Helper()
	locks := instance.New(pool, name, queueWorkLeft)
	t.Cleanup(func() { closeLocks(t, locks) })
	return locks
}

func closeLocks(t *testing.T, locks *instance.Locks) {
	t.Helper()
	if err := locks.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// endSessions ends all sessions on the server that hold advisory locks, and
// returns their number. Their clients do not notice yet.
func endSessions(t *testing.T, pool *pgxpool.Pool) int {
	t.Helper()
	return testdb.QueryInt(t, pool, `
		SELECT count(pg_terminate_backend(pid, 10000))
		FROM (SELECT DISTINCT pid FROM pg_locks
		      WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS holder`)
}

// unreachableURL returns a URL with a port that no server listens on.
func unreachableURL(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	defer func() { _ = listener.Close() }()
	return "postgres://x:secret-password@" + listener.Addr().String() + "/x?sslmode=disable"
}
