// Package testdb creates a PostgreSQL database for each test and drops it when the
// test ends. It decides which server to use and creates the databases quickly, by
// copying a migrated template. Package schema makes the tables, and the tests
// store their own data.
//
// The environment variable AISHA_TEST_DATABASE_URL names the server, with a
// superuser. `go run ./internal/check/testdb/with` starts one server for all
// packages. Without the variable each package starts its own server and stops it
// after its tests:
//
//	func TestMain(m *testing.M) { testdb.Main(m) }
//
// A test without a server fails. It is not skipped.
package testdb

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// URLVariable is the name of the environment variable with the URL of the server.
const URLVariable = "AISHA_TEST_DATABASE_URL"

// timeout limits the time to create or drop the database of one test. It is long,
// because many tests run in parallel.
const timeout = 2 * time.Minute

// New creates a database with the current schema and returns its URL. The database
// is dropped when the test ends, even if connections to it are still open.
func New(t testing.TB) string {
	t.Helper()
	return create(t, migratedTemplate)
}

// Empty is like [New] but creates a database without a schema.
func Empty(t testing.TB) string {
	t.Helper()
	return create(t, func(context.Context, *pgx.Conn, string) (string, error) { return "template0", nil })
}

// templateFunc prepares the template database of a test's database and returns its
// name.
type templateFunc func(ctx context.Context, conn *pgx.Conn, serverURL string) (string, error)

func create(t testing.TB, prepareTemplate templateFunc) string {
	t.Helper()
	server := os.Getenv(URLVariable)
	if server == "" {
		t.Fatalf("no database server: call testdb.Main from TestMain, or set %s", URLVariable)
	}
	name := "test_" + strings.ToLower(rand.Text())
	address, err := databaseURL(server, name)
	if err != nil {
		t.Fatalf("%s: %v", URLVariable, err)
	}
	err = withConn(t.Context(), server, func(ctx context.Context, conn *pgx.Conn) error {
		source, err := prepareTemplate(ctx, conn, server)
		if err != nil {
			return err
		}
		return execute(ctx, conn, "CREATE DATABASE %s TEMPLATE %s", name, source)
	})
	if err != nil {
		t.Fatalf("create a database for the test: %v", err)
	}
	t.Cleanup(func() { drop(t, server, name) })
	return address
}

func drop(t testing.TB, server, name string) {
	t.Helper()
	// The context of the test is already canceled during cleanup.
	err := withConn(context.Background(), server, func(ctx context.Context, conn *pgx.Conn) error {
		return execute(ctx, conn, "DROP DATABASE IF EXISTS %s WITH (FORCE)", name)
	})
	if err != nil {
		t.Errorf("drop the test's database: %v", err)
	}
}

// withConn connects to the server, calls work and closes the connection. Both
// together may take at most timeout.
func withConn(ctx context.Context, server string, work func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connect to the server: %w", err)
	}
	// Closing also releases advisory locks, so it must happen even after ctx has
	// ended.
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return work(ctx, conn)
}

// execute runs a statement such as CREATE DATABASE. Such statements accept no bind
// parameters, so names are quoted and formatted into the text.
func execute(ctx context.Context, conn *pgx.Conn, statement string, names ...string) error {
	quoted := make([]any, len(names))
	for i, name := range names {
		quoted[i] = pgx.Identifier{name}.Sanitize()
	}
	_, err := conn.Exec(ctx, fmt.Sprintf(statement, quoted...))
	return err
}

// databaseURL returns the URL of another database on the same server.
func databaseURL(server, database string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		// The error of url.Parse is not wrapped, because it contains the password.
		return "", fmt.Errorf("want a URL that begins with postgres://")
	}
	u.Path = "/" + database
	return u.String(), nil
}
