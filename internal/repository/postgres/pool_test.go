package postgres_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
)

type openFunc func(context.Context, sensitive.Secret) (*pgxpool.Pool, error)

func openFuncs() map[string]openFunc {
	return map[string]openFunc{"Open": postgres.Open, "OpenForQueue": postgres.OpenForQueue}
}

func mustOpen(t *testing.T, open openFunc, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := open(t.Context(), sensitive.NewSecret(url))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
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

func TestOpen_invalidURL(t *testing.T) {
	t.Parallel()
	for name, open := range openFuncs() {
		for _, url := range []string{
			"postgres://user:hunter2@host:port/x",
			"postgres://user:hunter2@host/x?pool_max_conns=hunter2",
			"user=x password=hunter2 hunter2",
		} {
			_, err := open(t.Context(), sensitive.NewSecret(url))
			if err == nil {
				t.Fatalf("%s(%q): no error", name, url)
			}
			if text := err.Error(); len(text) > 100 || strings.Contains(text, "hunter2") || strings.Contains(text, "user") {
				t.Errorf("%s(%q): the error repeats the URL: %s", name, url, text)
			}
		}
	}
}

func TestOpen_connectionLimits(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		parameter           string
		wantMax, wantForJob int32
	}{
		"default":                 {"", 19, 4},
		"larger_than_the_default": {"&pool_max_conns=50", 50, 4},
		"equal_to_pgx_default":    {"&pool_max_conns=4", 4, 4},
		"smaller":                 {"&pool_max_conns=3", 3, 3},
		"below_the_minimum":       {"&pool_max_conns=1", 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := unreachableURL(t) + tt.parameter
			for which, want := range map[string]int32{"Open": tt.wantMax, "OpenForQueue": tt.wantForJob} {
				config := mustOpen(t, openFuncs()[which], url).Config()
				if config.MaxConns != want {
					t.Errorf("%s: MaxConns = %d, want %d", which, config.MaxConns, want)
				}
				if config.MinIdleConns > config.MaxConns || config.MinIdleConns < 1 {
					t.Errorf("%s: MinIdleConns = %d, want 1 to MaxConns, which is %d", which, config.MinIdleConns, config.MaxConns)
				}
			}
		})
	}
}

// What is acknowledged must be on disk. Whether other pools wait for the disk is
// left to the configuration of the server, so only a setting of ours counts.
func TestOpen_synchronousCommit(t *testing.T) {
	t.Parallel()
	url := testdb.Empty(t)
	for name, want := range map[string]int{"Open": 0, "OpenForQueue": 1} {
		pool := mustOpen(t, openFuncs()[name], url)
		if n := testdb.QueryInt(t, pool, `
			SELECT count(*) FROM pg_settings
			WHERE name = 'synchronous_commit' AND source = 'client' AND setting = 'off'`); n != want {
			t.Errorf("%s: %d settings of synchronous_commit=off, want %d", name, n, want)
		}
	}
}

func TestOpen_settings(t *testing.T) {
	t.Parallel()
	url := testdb.Empty(t)
	setting := func(pool *pgxpool.Pool, name string) (value string) {
		if err := pool.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&value); err != nil {
			t.Fatalf("read %s: %v", name, err)
		}
		return value
	}
	for name, open := range openFuncs() {
		pool := mustOpen(t, open, url)
		for parameter, want := range map[string]string{
			"application_name":                    "aisha",
			"TimeZone":                            "UTC",
			"default_transaction_isolation":       "read committed",
			"idle_in_transaction_session_timeout": "10s",
			"plan_cache_mode":                     "force_generic_plan",
			"enable_seqscan":                      "off",
			"jit":                                 "off",
		} {
			if got := setting(pool, parameter); got != want {
				t.Errorf("%s: %s = %q, want %q", name, parameter, got, want)
			}
		}
		pool = mustOpen(t, open, url+"&application_name=other&jit=on")
		for parameter, want := range map[string]string{"application_name": "other", "jit": "on"} {
			if got := setting(pool, parameter); got != want {
				t.Errorf("%s with %s in the URL: got %q, want %q", name, parameter, got, want)
			}
		}
	}
}

// A standby answers reads and grants advisory locks, so no connection may
// mistake it for the primary. A read-only database is refused in the same way.
func TestOpen_readOnlyServer(t *testing.T) {
	t.Parallel()
	url := testdb.Empty(t) + "&default_transaction_read_only=on"
	for name, open := range openFuncs() {
		if err := postgres.Ready(t.Context(), mustOpen(t, open, url)); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: Ready = %v, want %v", name, err, fault.Unavailable)
		}
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for name, open := range openFuncs() {
		if err := postgres.Ready(ctx, mustOpen(t, open, testdb.Empty(t))); err != nil {
			t.Errorf("%s: Ready = %v, want no error", name, err)
		}
		err := postgres.Ready(ctx, mustOpen(t, open, unreachableURL(t)))
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s, unreachable: Ready = %v, want %v", name, err, fault.Unavailable)
		}
		if err != nil && strings.Contains(err.Error(), "secret-password") {
			t.Errorf("%s, unreachable: the error contains the password: %v", name, err)
		}
	}
}

func TestSeconds(t *testing.T) {
	t.Parallel()
	for in, want := range map[float64]time.Duration{0: 0, 1.5: 1500 * time.Millisecond, -2: -2 * time.Second} {
		if got := postgres.Seconds(in); got != want {
			t.Errorf("Seconds(%v) = %s, want %s", in, got, want)
		}
	}
}

// Both pools for reads plan as PostgreSQL does by default, and refuse to write.
func TestOpenForReads(t *testing.T) {
	t.Parallel()
	url := testdb.Empty(t)
	for name, open := range map[string]openFunc{"OpenForReads": postgres.OpenForReads, "OpenReplica": postgres.OpenReplica} {
		for _, parameters := range []string{"", "&target_session_attrs=read-write", "&pool_max_conns=50"} {
			pool := mustOpen(t, open, url+parameters)
			if n := testdb.QueryInt(t, pool, `
				SELECT count(*) FROM pg_settings
				WHERE (name, setting) IN (('default_transaction_read_only', 'on'), ('plan_cache_mode', 'force_custom_plan'),
				                          ('enable_seqscan', 'on'), ('statement_timeout', '8000'), ('TimeZone', 'UTC'))`); n != 5 {
				t.Errorf("%s%s: %d of the 5 settings are as wanted", name, parameters, n)
			}
			if _, err := pool.Exec(t.Context(), `CREATE TABLE x ()`); !fault.Is(postgres.Translate(err), fault.Unavailable) {
				t.Errorf("%s%s: CREATE TABLE = %v, want it refused as read-only", name, parameters, err)
			}
			if n := pool.Config().MaxConns; n != 4 {
				t.Errorf("%s%s: MaxConns = %d, want 4", name, parameters, n)
			}
		}
		_, err := open(t.Context(), sensitive.NewSecret("postgres://user:hunter2@host:port/x"))
		variable := map[string]string{"OpenForReads": "DATABASE_URL ", "OpenReplica": "DATABASE_READ_URL "}[name]
		if err == nil || !strings.HasPrefix(err.Error(), variable) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s of an invalid URL: got %v, want an error that names %s", name, err, variable)
		}
	}
}

// Only a replica may be a server that accepts no writes.
func TestOpenForReads_readOnlyServer(t *testing.T) {
	t.Parallel()
	url := testdb.Empty(t) + "&default_transaction_read_only=on"
	if err := mustOpen(t, postgres.OpenForReads, url).Ping(t.Context()); !fault.Is(postgres.Translate(err), fault.Unavailable) {
		t.Errorf("OpenForReads: Ping = %v, want %v", err, fault.Unavailable)
	}
	if err := mustOpen(t, postgres.OpenReplica, url).Ping(t.Context()); err != nil {
		t.Errorf("OpenReplica: Ping = %v, want no error", err)
	}
}
