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

	"aisha/internal/repository/schema"
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

func TestNew_IsMigrated(t *testing.T) {
	t.Parallel()
	if n := tables(t, New(t)); n == 0 {
		t.Error("a new database has 0 tables, want more")
	}
}

func TestEmpty_HasNoTables(t *testing.T) {
	t.Parallel()
	if n := tables(t, Empty(t)); n != 0 {
		t.Errorf("an empty database has %d tables, want 0", n)
	}
}

func TestNew_GivesEachTestItsOwnDatabase(t *testing.T) {
	t.Parallel()
	for i := range 8 {
		t.Run(fmt.Sprint("database_", i), func(t *testing.T) {
			t.Parallel()
			conn := connect(t, New(t))
			if _, err := conn.Exec(t.Context(), `CREATE TABLE only_once ()`); err != nil {
				t.Errorf("create a table: %v", err)
			}
		})
	}
}

func TestNew_DropsDatabaseWithOpenConnections(t *testing.T) {
	t.Parallel()
	var address string
	var conn *pgx.Conn
	if !t.Run("open_connection", func(subtest *testing.T) {
		address = New(subtest)
		conn = connect(t, address) // stays open after the subtest
	}) {
		t.Fatal("the subtest failed")
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	if n := count(t, os.Getenv(URLVariable), `SELECT count(*) FROM pg_database WHERE datname = $1`, name); n != 0 {
		t.Errorf("the database %s was not dropped", name)
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("Ping succeeded on a connection to the dropped database")
	}
}

func TestMigratedTemplate_IsCreatedOnce(t *testing.T) {
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
			t.Errorf("the data directory of the server was not removed: %v", err)
		}
	})
	fingerprint, err := schema.Fingerprint()
	if err != nil {
		t.Fatal(err)
	}
	unfinished := "template_" + fingerprint + "_unfinished"
	if err := execute(t.Context(), connect(t, server.URL()), "CREATE DATABASE %s", unfinished); err != nil {
		t.Fatal(err)
	}

	group, ctx := errgroup.WithContext(t.Context())
	for range 5 {
		group.Go(func() error {
			return withConn(ctx, server.URL(), func(ctx context.Context, conn *pgx.Conn) error {
				_, err := migratedTemplate(ctx, conn, server.URL())
				return err
			})
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatalf("template: %v", err)
	}
	if n := count(t, server.URL(), `SELECT count(*) FROM pg_database WHERE datname LIKE 'template\_%'`); n != 1 {
		t.Errorf("%d templates exist, want 1", n)
	}
}

// recordingTB records the message of Fatalf instead of failing the test.
type recordingTB struct {
	testing.TB
	message string
}

func (f *recordingTB) Fatalf(format string, args ...any) {
	f.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestNew_FailsWithoutServer(t *testing.T) { // not parallel, because it changes the environment
	tests := map[string]struct{ server, want string }{
		"no_server":   {"", "no database server"},
		"not_a_url":   {"host=secret", "want a URL"},
		"unreachable": {"postgres://127.0.0.1:1/postgres", "create a database for the test: connect"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv(URLVariable, test.server)
			f := &recordingTB{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				New(f)
			}()
			<-done
			if !strings.Contains(f.message, test.want) || strings.Contains(f.message, "secret") {
				t.Errorf("New failed with %q, want it to contain %q and no password", f.message, test.want)
			}
		})
	}
}
