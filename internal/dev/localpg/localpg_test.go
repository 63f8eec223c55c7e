package localpg

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// ownerDirVar is an environment variable. If it is set, the test program starts a
// cluster in that folder, prints the server's pid and waits until it is killed.
const ownerDirVar = "LOCALPG_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(ownerDirVar); dir != "" {
		runOwner(dir)
		return
	}
	m.Run()
}

func runOwner(dir string) {
	c, err := Start(context.Background(), Options{Dir: dir})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.server.process.Pid)
	select {}
}

func startCluster(t *testing.T, o Options) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), o)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	return c
}

func connect(t *testing.T, c *Cluster) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.URL("postgres"))
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func storeValue(t *testing.T, c *Cluster, value string) {
	t.Helper()
	if _, err := connect(t, c).Exec(t.Context(), `CREATE TABLE stored AS SELECT $1::text AS value`, value); err != nil {
		t.Fatalf("store: %v", err)
	}
}

func checkStored(t *testing.T, c *Cluster, want string) {
	t.Helper()
	var got string
	if err := connect(t, c).QueryRow(t.Context(), `SELECT value FROM stored`).Scan(&got); err != nil || got != want {
		t.Errorf("stored value = %q, %v, want %q", got, err, want)
	}
}

func waitUntil(t *testing.T, condition string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !done() {
		if sleepPollInterval(ctx) != nil {
			t.Fatalf("timed out while waiting until %s", condition)
		}
	}
}

func checkError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("error = nil, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error = %q, want one with %q", err, part)
		}
	}
}

func TestCluster_Kill(t *testing.T) {
	t.Parallel()
	t.Run("leaves_no_session_that_commits", func(t *testing.T) {
		t.Parallel()
		c := startCluster(t, Options{Dir: t.TempDir()})
		conn := connect(t, c)
		if err := c.Kill(); err != nil {
			t.Fatalf("Kill: %v", err)
		}
		if _, err := conn.Exec(t.Context(), `CREATE TABLE late ()`); err == nil {
			t.Error("a statement succeeded after Kill, want an error")
		}
	})
}
