// Package repository decides how what we know stands in PostgreSQL: the SQL,
// the transactions, and what PostgreSQL's errors mean. It stores and queues in
// one transaction and leaves every rule to the services.
package repository

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
)

// What one instance takes of the server's connections, besides the one of its
// locks; PostgreSQL allows 100 unless told otherwise.
const (
	maxConnections = 19
	maxForQueue    = 4 // besides the one that listens
)

const (
	// callTimeout bounds a whole call of the repository that brings no
	// earlier deadline, waiting for a connection included.
	callTimeout = 10 * time.Second
)

// Open makes a pool of connections. It does not connect yet.
func Open(ctx context.Context, databaseURL sensitive.Secret) (*pgxpool.Pool, error) {
	return open(ctx, databaseURL, maxConnections, nil)
}

// OpenForQueue makes the pool that the queue notes with how far its jobs are.
// Where PostgreSQL dies and forgets the newest of it, jobs are run once more and
// find nothing to do. So nobody waits for the disk here; jobs are queued with
// what they are about, and through the other pool.
func OpenForQueue(ctx context.Context, databaseURL sensitive.Secret) (*pgxpool.Pool, error) {
	return open(ctx, databaseURL, maxForQueue, map[string]string{"synchronous_commit": "off"})
}

func open(ctx context.Context, databaseURL sensitive.Secret, connections int32, settings map[string]string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(databaseURL.Reveal())
	if err != nil {
		// pgx's text repeats the URL with its password masked, yet the rest of
		// it may be a mistyped password: say only what is wrong with what.
		return nil, fmt.Errorf("DATABASE_URL is not a PostgreSQL connection string")
	}
	config.MaxConns = connections
	config.MinIdleConns = 2
	config.MaxConnLifetimeJitter = 5 * time.Minute
	config.ConnConfig.ConnectTimeout = 5 * time.Second
	// A peer that vanishes without a word is noticed in half a minute.
	defaults := map[string]string{
		"application_name": "aisha",
		"timezone":         "UTC",
		// Every statement here looks up a few rows, and does so in the same way
		// whichever they are. So a plan is made once: to plan each anew, which is
		// what PostgreSQL does where there are arrays, takes longer than to
		// execute it. A plan that was made while a table was small must do when
		// it is large, so none reads a whole table.
		"plan_cache_mode": "force_generic_plan",
		"enable_seqscan":  "off",
		"jit":             "off", // it takes longer than what it makes faster
		// An instance that stands still in a transaction holds rows that others
		// wait for. None of ours takes longer than callTimeout.
		"idle_in_transaction_session_timeout": "10000", // milliseconds
		// Who waits for a lock must see what its last holder has committed.
		"default_transaction_isolation": "read committed",
		"tcp_keepalives_idle":           "10",
		"tcp_keepalives_interval":       "5",
		"tcp_keepalives_count":          "4",
		"tcp_user_timeout":              "30000", // milliseconds
	}
	maps.Copy(defaults, settings)
	// Advisory locks and reads work on a standby as well, so one that is taken for
	// the primary would let two instances work for the same person.
	if config.ConnConfig.ValidateConnect == nil {
		config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	for name, value := range defaults {
		if _, given := config.ConnConfig.RuntimeParams[name]; !given {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the database pool: %w", err)
	}
	return pool, nil
}

// Ready reports whether the database answers and is not a standby.
func Ready(ctx context.Context, pool *pgxpool.Pool) error {
	var standby bool
	if err := pool.QueryRow(ctx, `SELECT pg_is_in_recovery()`).Scan(&standby); err != nil {
		return translate(err)
	}
	if standby {
		return fault.New(fault.Unavailable, "the database is a standby")
	}
	return nil
}

// maxConflicts is how often a transaction that lost against another one is run
// again before its caller is told to come back.
const maxConflicts = 5

// inTx runs work in a transaction and commits it. A transaction that another
// one got in the way of is run again, so work may be called several times.
func inTx(ctx context.Context, pool *pgxpool.Pool, work func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	var err error
	for range maxConflicts {
		err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return work(ctx, tx) })
		if !conflict(err) {
			break
		}
	}
	return translate(err)
}
