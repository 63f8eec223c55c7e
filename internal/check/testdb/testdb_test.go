package testdb

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

func TestMain(m *testing.M) { Main(m) }

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func tables(t *testing.T, address string) int {
	t.Helper()
	return count(t, address, `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`)
}

func count(t *testing.T, address, query string, args ...any) int {
	t.Helper()
	var n int
	if err := connect(t, address).QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestNewIsMigrated(t *testing.T) {
	t.Parallel()
	if n := tables(t, New(t)); n == 0 {
		t.Error("a new database has no tables")
	}
}

func TestEmptyHasNoTables(t *testing.T) {
	t.Parallel()
	if n := tables(t, Empty(t)); n != 0 {
		t.Errorf("an empty database has %d tables", n)
	}
}

func TestEachTestHasItsOwnDatabase(t *testing.T) {
	t.Parallel()
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			conn := connect(t, New(t))
			if _, err := conn.Exec(t.Context(), `CREATE TABLE only_once ()`); err != nil {
				t.Errorf("create a table: %v", err)
			}
		})
	}
}

func TestDatabaseIsDroppedUnderOpenConnections(t *testing.T) {
	t.Parallel()
	var address string
	var conn *pgx.Conn
	if !t.Run("user", func(user *testing.T) {
		address = New(user)
		conn = connect(t, address) // outlives the user
	}) {
		t.Fatal("the database's user failed")
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	if n := count(t, os.Getenv(URLVariable), `SELECT count(*) FROM pg_database WHERE datname = $1`, name); n != 0 {
		t.Errorf("the database %s is still there", name)
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the connection still works")
	}
}

func TestTemplateIsMadeOnceAndWhole(t *testing.T) {
	t.Parallel()
	server, err := StartServer(t.Context())
	if err != nil {
		t.Fatalf("StartServer: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
		if _, err := os.Stat(server.dir); !os.IsNotExist(err) {
			t.Errorf("the server's folder is still there: %v", err)
		}
	})
	fingerprint, err := schemaFingerprint()
	if err != nil {
		t.Fatal(err)
	}
	halfMade := "template_" + fingerprint + "_unfinished"
	if err := execute(t.Context(), connect(t, server.URL()), "CREATE DATABASE %s", halfMade); err != nil {
		t.Fatal(err)
	}

	group, ctx := errgroup.WithContext(t.Context())
	for range 5 {
		group.Go(func() error {
			return withConn(ctx, server.URL(), func(ctx context.Context, conn *pgx.Conn) error {
				_, err := template(ctx, conn, server.URL())
				return err
			})
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatalf("template: %v", err)
	}
	if n := count(t, server.URL(), `SELECT count(*) FROM pg_database WHERE datname LIKE 'template\_%'`); n != 1 {
		t.Errorf("there are %d templates, want 1", n)
	}
}

// failing is a test that keeps why it failed.
type failing struct {
	testing.TB
	message string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestMissingServerFailsTheTest(t *testing.T) { // not parallel: it changes the environment
	tests := map[string]struct{ server, want string }{
		"none":           {"", "there is no database"},
		"not a URL":      {"host=secret", "not a URL"},
		"nobody answers": {"postgres://127.0.0.1:1/postgres", "make a database for the test: connect"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv(URLVariable, test.server)
			f := &failing{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				New(f)
			}()
			<-done
			if !strings.Contains(f.message, test.want) || strings.Contains(f.message, "secret") {
				t.Errorf("the test failed with %q, want %q", f.message, test.want)
			}
		})
	}
}
