package testdb

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
)

// Open connects to a new, migrated database, as the service does.
func Open(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return Connect(t, New(t))
}

// Connect connects to the database with the URL, as the service does. The pool is
// closed when the test ends.
func Connect(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), sensitive.NewSecret(url))
	if err != nil {
		t.Fatalf("open the pool: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// Exec executes a statement.
func Exec(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("execute %s: %v", sql, err)
	}
}

// QueryInt returns the number that the query yields.
func QueryInt(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) int {
	t.Helper()
	var n int
	if err := pool.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatalf("query %s: %v", sql, err)
	}
	return n
}
