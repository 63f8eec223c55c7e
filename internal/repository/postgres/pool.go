// Package postgres provides the connection pools, one way to run a transaction,
// one way to run a batch in a single round trip, the numbers of the advisory
// locks, and the meaning of PostgreSQL's errors.
//
// It knows no table. The SQL is in the packages that are named after a domain.
package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
)

// CallTimeout limits one call of a repository that has no earlier deadline,
// including the wait for a connection.
const CallTimeout = 10 * time.Second

// An instance uses one connection for its locks and one to listen for jobs
// besides these. PostgreSQL's default limit is 100.
const (
	maxConnections      = 19 // pool_max_conns in the URL takes precedence
	maxQueueConnections = 4
	maxReadConnections  = 4
	minIdleConnections  = 2
	// minConnections is the lowest limit that the URL can set. The migrations and
	// the deletion of expired rows hold one connection and use another.
	minConnections = 2
)

// Open opens the pool for key lookups: sign-ups, webhooks and answers. It does
// not connect yet.
func Open(ctx context.Context, databaseURL sensitive.Secret) (*pgxpool.Pool, error) {
	config, urlLimit, err := parse("DATABASE_URL", databaseURL)
	if err != nil {
		return nil, err
	}
	config.MaxConns = cmp.Or(urlLimit, maxConnections)
	return open(ctx, config, keyLookupSettings())
}

// OpenForQueue opens River's pool. It sets synchronous_commit=off: a lost job
// state only re-runs a job that is idempotent. Jobs are inserted through the
// other pool, together with their data.
func OpenForQueue(ctx context.Context, databaseURL sensitive.Secret) (*pgxpool.Pool, error) {
	config, urlLimit, err := parse("DATABASE_URL", databaseURL)
	if err != nil {
		return nil, err
	}
	config.MaxConns = min(maxQueueConnections, cmp.Or(urlLimit, maxQueueConnections))
	settings := keyLookupSettings()
	settings["synchronous_commit"] = "off"
	return open(ctx, config, settings)
}

// OpenForReads opens the pool for lists, searches, exports and statistics: with
// PostgreSQL's planner settings, and only for reading.
func OpenForReads(ctx context.Context, databaseURL sensitive.Secret) (*pgxpool.Pool, error) {
	config, urlLimit, err := parse("DATABASE_URL", databaseURL)
	if err != nil {
		return nil, err
	}
	return openForReads(ctx, config, urlLimit)
}

// OpenReplica is OpenForReads for a server that may be a standby.
func OpenReplica(ctx context.Context, replicaURL sensitive.Secret) (*pgxpool.Pool, error) {
	config, urlLimit, err := parse("DATABASE_READ_URL", replicaURL)
	if err != nil {
		return nil, err
	}
	if config.ConnConfig.ValidateConnect == nil {
		config.ConnConfig.ValidateConnect = acceptAnyServer
	}
	return openForReads(ctx, config, urlLimit)
}

func openForReads(ctx context.Context, config *pgxpool.Config, urlLimit int32) (*pgxpool.Pool, error) {
	config.MaxConns = min(maxReadConnections, cmp.Or(urlLimit, maxReadConnections))
	// As a parameter of the connection it would make target_session_attrs=read-write
	// refuse every server.
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `SET default_transaction_read_only = on`)
		return err
	}
	return open(ctx, config, map[string]string{
		// A plan that fits one filter is a hundred times slower for another.
		"plan_cache_mode": "force_custom_plan",
		"jit":             "off",
		// Sign-ups and webhooks need the processors.
		"max_parallel_workers_per_gather": "0",
		"statement_timeout":               "8000", // milliseconds; less than the time limit of a request
	})
}

func acceptAnyServer(context.Context, *pgconn.PgConn) error { return nil }

// keyLookupSettings are the planner settings for statements that look up a few
// rows by key, always in the same way.
func keyLookupSettings() map[string]string {
	return map[string]string{
		// Planning takes longer than executing these statements, and PostgreSQL
		// plans a statement with arrays anew each time unless a generic plan is
		// forced. A plan made for a small table must also work for a large one,
		// so it may not read a whole table.
		"plan_cache_mode": "force_generic_plan",
		"enable_seqscan":  "off",
		"jit":             "off", // compiling takes longer than it saves
	}
}

// connectionSettings apply to every connection, unless the URL has others.
func connectionSettings() map[string]string {
	return map[string]string{
		"application_name": "aisha",
		"timezone":         "UTC",
		// A suspended instance must not keep its row locks. No transaction takes
		// longer than CallTimeout. In milliseconds.
		"idle_in_transaction_session_timeout": "10000",
		// A transaction that waited for a lock must see what the last holder
		// committed.
		"default_transaction_isolation": "read committed",
		// A peer that disappears is noticed within half a minute.
		"tcp_keepalives_idle":     "10",
		"tcp_keepalives_interval": "5",
		"tcp_keepalives_count":    "4",
		"tcp_user_timeout":        "30000", // milliseconds
	}
}

// parse reads the URL, and its pool_max_conns, which is 0 where it has none and at
// least minConnections otherwise. Errors name the variable.
//
// The errors of pgx contain the URL. Its password is masked, but another part of
// it may be a mistyped password, so they are not wrapped.
func parse(variable string, databaseURL sensitive.Secret) (config *pgxpool.Config, urlLimit int32, err error) {
	errURL := errors.New(variable + " is not a PostgreSQL connection string: check its host, port and parameters")
	raw, err := pgx.ParseConfig(databaseURL.Reveal())
	if err != nil {
		return nil, 0, errURL
	}
	config, err = pgxpool.ParseConfig(databaseURL.Reveal())
	if err != nil {
		return nil, 0, errURL
	}
	if _, given := raw.RuntimeParams["pool_max_conns"]; given {
		urlLimit = max(config.MaxConns, minConnections)
	}
	return config, urlLimit, nil
}

func open(ctx context.Context, config *pgxpool.Config, settings map[string]string) (*pgxpool.Pool, error) {
	config.MinIdleConns = minIdleConnections
	config.MaxConnLifetimeJitter = 5 * time.Minute
	config.ConnConfig.ConnectTimeout = 5 * time.Second
	// A standby also answers reads and grants advisory locks. If one were taken
	// for the primary, two instances could work for the same person.
	if config.ConnConfig.ValidateConnect == nil {
		config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	maps.Copy(settings, connectionSettings())
	for name, value := range settings {
		if _, set := config.ConnConfig.RuntimeParams[name]; !set {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the database pool: %w", err)
	}
	return pool, nil
}

// Ready reports whether the database answers and accepts writes. Errors:
// fault.Unavailable.
func Ready(ctx context.Context, pool *pgxpool.Pool) error {
	var standby bool
	if err := pool.QueryRow(ctx, `SELECT pg_is_in_recovery()`).Scan(&standby); err != nil {
		return Translate(err)
	}
	if standby {
		return fault.New(fault.Unavailable, "the database is a standby")
	}
	return nil
}

// Seconds converts a number of seconds that SQL returned.
func Seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
