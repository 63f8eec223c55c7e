// Package testdb gives each test a PostgreSQL database of its own. It decides
// which server the databases are on, how they are made quickly and that they
// are gone afterwards. What stands in them it leaves to package repository,
// which migrates them, and to the tests.
//
// The server is the one that AISHA_TEST_DATABASE_URL names, as a superuser;
// `go run ./internal/check/testdb/with` gives one to all packages. Without it each
// package runs its own for as long as its tests last:
//
//	func TestMain(m *testing.M) { testdb.Main(m) }
//
// A test without a database fails. It is never skipped.
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

// URLVariable names the environment variable with the server to use.
const URLVariable = "AISHA_TEST_DATABASE_URL"

// timeout bounds what is done for one test, on a machine that is busy with
// many others.
const timeout = 2 * time.Minute

// New makes a database with the current schema for this test and returns its
// URL. The database is dropped when the test ends, even if connections to it
// are still open.
func New(t testing.TB) string {
	t.Helper()
	return create(t, template)
}

// Empty is the same as [New] without a schema.
func Empty(t testing.TB) string {
	t.Helper()
	return create(t, func(context.Context, *pgx.Conn, string) (string, error) { return "template0", nil })
}

// origin prepares the database that a test's database is copied from and
// returns its name.
type origin func(ctx context.Context, conn *pgx.Conn, serverURL string) (string, error)

func create(t testing.TB, from origin) string {
	t.Helper()
	server := os.Getenv(URLVariable)
	if server == "" {
		t.Fatalf("there is no database: call testdb.Main from TestMain, or set %s", URLVariable)
	}
	name := "test_" + strings.ToLower(rand.Text())
	address, err := databaseURL(server, name)
	if err != nil {
		t.Fatalf("%s: %v", URLVariable, err)
	}
	err = withConn(t.Context(), server, func(ctx context.Context, conn *pgx.Conn) error {
		source, err := from(ctx, conn, server)
		if err != nil {
			return err
		}
		return execute(ctx, conn, "CREATE DATABASE %s TEMPLATE %s", name, source)
	})
	if err != nil {
		t.Fatalf("make a database for the test: %v", err)
	}
	t.Cleanup(func() { drop(t, server, name) })
	return address
}

func drop(t testing.TB, server, name string) {
	t.Helper()
	// The test's own context has ended by now.
	err := withConn(context.Background(), server, func(ctx context.Context, conn *pgx.Conn) error {
		return execute(ctx, conn, "DROP DATABASE IF EXISTS %s WITH (FORCE)", name)
	})
	if err != nil {
		t.Errorf("drop the test's database: %v", err)
	}
}

func withConn(ctx context.Context, server string, work func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connect to the server: %w", err)
	}
	// Closing gives back the locks, too. It must happen whatever has ended.
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return work(ctx, conn)
}

// execute runs a statement about databases, which takes no parameters but
// names.
func execute(ctx context.Context, conn *pgx.Conn, statement string, names ...string) error {
	quoted := make([]any, len(names))
	for i, name := range names {
		quoted[i] = pgx.Identifier{name}.Sanitize()
	}
	_, err := conn.Exec(ctx, fmt.Sprintf(statement, quoted...))
	return err
}

// databaseURL is the URL of another database on the same server.
func databaseURL(server, database string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		// url.Parse repeats what it was given, with the password.
		return "", fmt.Errorf("not a URL that begins with postgres://")
	}
	u.Path = "/" + database
	return u.String(), nil
}
