package repository_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/repository"
	"aisha/internal/sensitive"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// open connects to a fresh, migrated database.
func open(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return connect(t, testdb.New(t))
}

func connect(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := repository.Open(t.Context(), sensitive.NewSecret(url))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// count runs a query that yields one number.
func count(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) int {
	t.Helper()
	var n int
	if err := pool.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
