package localpg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// holdDir names a variable that turns the test program into one that starts a
// cluster and waits to be killed.
const holdDir = "LOCALPG_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdDir); dir != "" {
		hold(dir)
		return
	}
	m.Run()
}

func hold(dir string) {
	c, err := Start(context.Background(), Options{Dir: dir})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.server.process.Pid)
	select {}
}

func run(t *testing.T, o Options) *Cluster {
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

func store(t *testing.T, c *Cluster, value string) {
	t.Helper()
	if _, err := connect(t, c).Exec(t.Context(), `CREATE TABLE kept AS SELECT $1::text AS value`, value); err != nil {
		t.Fatalf("store: %v", err)
	}
}

func wantStored(t *testing.T, c *Cluster, want string) {
	t.Helper()
	var got string
	if err := connect(t, c).QueryRow(t.Context(), `SELECT value FROM kept`).Scan(&got); err != nil || got != want {
		t.Errorf("stored value = %q, %v, want %q", got, err, want)
	}
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !done() {
		if pause(ctx) != nil {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not contain %q", err, part)
		}
	}
}

func TestDataOutliveTheServer(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*Cluster) error{
		"stopped": (*Cluster).Stop,
		"killed":  (*Cluster).Kill,
		"postmaster killed with SIGKILL": func(c *Cluster) error {
			if !c.server.end(syscall.SIGKILL, time.Minute) {
				return errors.New("the server survived")
			}
			return c.Stop()
		},
		"owner vanished and the server lives on": func(c *Cluster) error { return c.unlock() },
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Dir: t.TempDir(), Durable: true}
			first := run(t, o)
			store(t, first, "ünchanged")
			if err := end(first); err != nil {
				t.Fatalf("end the first run: %v", err)
			}
			second := run(t, o)
			wantStored(t, second, "ünchanged")
		})
	}
}

func TestKillLeavesNoSessionThatCommits(t *testing.T) {
	t.Parallel()
	c := run(t, Options{Dir: t.TempDir()})
	conn := connect(t, c)
	if err := c.Kill(); err != nil {
		t.Fatalf("Kill: %v", err)
	}
	if _, err := conn.Exec(t.Context(), `CREATE TABLE late ()`); err == nil {
		t.Error("a statement succeeded after Kill")
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	both := map[string]string{
		"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "server_encoding": "UTF8",
		"lc_collate": "C", "timezone": "UTC", "max_connections": "200",
	}
	for durable, want := range map[bool]string{true: "on", false: "off"} {
		t.Run(fmt.Sprintf("durable %t", durable), func(t *testing.T) {
			t.Parallel()
			conn := connect(t, run(t, Options{Dir: t.TempDir(), Durable: durable}))
			wanted := map[string]string{"fsync": want, "synchronous_commit": want, "full_page_writes": want}
			for name, value := range both {
				wanted[name] = value
			}
			for name, want := range wanted {
				var got string
				if err := conn.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&got); err != nil || got != want {
					t.Errorf("%s = %q, %v, want %q", name, got, err, want)
				}
			}
		})
	}
}

func TestPasswordIsNeeded(t *testing.T) {
	t.Parallel()
	c := run(t, Options{Dir: t.TempDir()})
	address := fmt.Sprintf("postgres://%s:wrong@127.0.0.1:%d/postgres?sslmode=disable", superuser, c.port)
	_, err := pgx.Connect(t.Context(), address)
	wantError(t, err, "28P01")

	info, err := os.Stat(filepath.Join(c.data(), passwordFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the password's file: %v, %v, want mode 0600", info, err)
	}
}

func TestStartWorksUnderAParentThatOthersCannotEnter(t *testing.T) {
	t.Parallel()
	parent := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	o := Options{Dir: filepath.Join(parent, "it's a folder [1]")}
	first := run(t, o)
	if closed := os.Geteuid() == 0; first.programs.everywhere != closed {
		t.Errorf("everywhere = %t, want %t", first.programs.everywhere, closed)
	}
	store(t, first, "kept")
	if err := first.Stop(); err != nil {
		t.Fatalf("Stop: %v", err)
	}
	wantStored(t, run(t, o), "kept")
}

func TestCapabilityIsGivenOnlyWhereItIsNeeded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if c := run(t, Options{Dir: dir}); c.programs.everywhere {
		t.Error("the server may enter every folder, though it can reach its own without")
	}
}

func TestSecondStartNamesTheFirst(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir()}
	c := run(t, o)
	_, err := Start(t.Context(), o)
	wantError(t, err, o.Dir, "already running with pid "+strconv.Itoa(os.Getpid()))
	store(t, c, "the first is unharmed")
}

func TestStartAfterAPidWasGivenToAnother(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir()}
	first := run(t, o)
	file := filepath.Join(first.data(), "postmaster.pid")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(); err != nil {
		t.Fatalf("Stop: %v", err)
	}
	other := exec.CommandContext(t.Context(), "sleep", "600")
	other.SysProcAttr = attributes(first.programs.as, false)
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Process.Kill(); _ = other.Wait() })

	_, rest, _ := strings.Cut(string(text), "\n")
	if err := os.WriteFile(file, []byte(strconv.Itoa(other.Process.Pid)+"\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, o)
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the other process was harmed: %v", err)
	}
}

func TestInterruptedInitIsForgotten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	staging := func() []string {
		found, _ := filepath.Glob(filepath.Join(dir, staged+"*", "data", "*"))
		return found
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := Start(ctx, Options{Dir: dir})
		failed <- err
	}()
	await(t, "initdb begins", func() bool { return len(staging()) > 0 })
	cancel()
	if err := <-failed; err == nil {
		t.Fatal("an interrupted Start succeeded")
	}
	// As kill -9 leaves it: half made, with nobody to clean up.
	if err := os.MkdirAll(filepath.Join(dir, staged+"x", "data", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	store(t, run(t, Options{Dir: dir}), "a whole cluster")
	if left := staging(); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestDataOfAnotherVersionNameBoth(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("9\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Options{Dir: dir})
	wantError(t, err, "made by PostgreSQL 9", "there is only version 1", "remove that folder")
}

func TestDataThatWereCopiedAreTakenOver(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir()}
	first := run(t, o)
	store(t, first, "copied")
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	ours := programs{as: &syscall.Credential{Uid: uint32(os.Geteuid()), Gid: uint32(os.Getegid())}}
	if err := ours.handOver(first.data()); err != nil {
		t.Fatal(err)
	}
	wantStored(t, run(t, o), "copied")
}

func TestTakenPortIsAnError(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	_, err = Start(t.Context(), Options{Dir: t.TempDir(), Port: listener.Addr().(*net.TCPAddr).Port})
	if !errors.Is(err, errPortTaken) {
		t.Errorf("error = %v, want %v", err, errPortTaken)
	}
}

func TestServerThatEndsShowsItsLog(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir()}
	c := run(t, o)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(c.data(), "global", "pg_control")); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), o)
	wantError(t, err, "ended at its start", "pg_control")
}
