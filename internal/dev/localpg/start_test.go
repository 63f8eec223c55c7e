package localpg

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestStart_ExistingData(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*Cluster) error{
		"stopped": (*Cluster).Stop,
		"killed":  (*Cluster).Kill,
		"postmaster_killed_with_SIGKILL": func(c *Cluster) error {
			if !c.server.signalAndWait(syscall.SIGKILL, time.Minute) {
				return errors.New("the server did not end after SIGKILL")
			}
			return c.Stop()
		},
		"server_still_running": func(c *Cluster) error { return c.unlock() },
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Dir: t.TempDir(), Durable: true}
			first := startCluster(t, o)
			storeValue(t, first, "ünchanged")
			if err := end(first); err != nil {
				t.Fatalf("end the first run: %v", err)
			}
			second := startCluster(t, o)
			checkStored(t, second, "ünchanged")
		})
	}
}

func TestStart_Settings(t *testing.T) {
	t.Parallel()
	common := map[string]string{
		"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "server_encoding": "UTF8",
		"lc_collate": "C", "timezone": "UTC", "max_connections": "200",
	}
	for durable, want := range map[bool]string{true: "on", false: "off"} {
		t.Run(fmt.Sprintf("durable_%t", durable), func(t *testing.T) {
			t.Parallel()
			conn := connect(t, startCluster(t, Options{Dir: t.TempDir(), Durable: durable}))
			wanted := map[string]string{"fsync": want, "synchronous_commit": want, "full_page_writes": want}
			for name, value := range common {
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

func TestStart(t *testing.T) {
	t.Parallel()
	t.Run("password_is_required", func(t *testing.T) {
		t.Parallel()
		c := startCluster(t, Options{Dir: t.TempDir()})
		address := fmt.Sprintf("postgres://%s:wrong@127.0.0.1:%d/postgres?sslmode=disable", superuser, c.port)
		_, err := pgx.Connect(t.Context(), address)
		checkError(t, err, "28P01")

		info, err := os.Stat(filepath.Join(c.dataDir(), passwordFile))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("password file = %v, %v, want mode 0600", info, err)
		}
	})
	t.Run("taken_port_is_an_error", func(t *testing.T) {
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
	})
	t.Run("error_contains_the_log_of_a_server_that_ends", func(t *testing.T) {
		t.Parallel()
		o := Options{Dir: t.TempDir()}
		c := startCluster(t, o)
		if err := c.Stop(); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(c.dataDir(), "global", "pg_control")); err != nil {
			t.Fatal(err)
		}
		_, err := Start(t.Context(), o)
		checkError(t, err, "ended during its start", "pg_control")
	})
}
