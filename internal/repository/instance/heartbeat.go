package instance

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aisha/internal/repository/postgres"
)

// announce takes the lock by which other instances know that this one lives. It
// is shared, because the server may not have ended the previous session yet.
func (l *Locks) announce(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `SELECT pg_advisory_lock_shared($1, hashtext($2))`, postgres.LockInstance, l.name)
	if err != nil {
		return fmt.Errorf("announce the instance: %w", err)
	}
	return nil
}

// Heartbeat announces this instance, and finds out whether the connection that
// announces it still works. Errors: fault.Unavailable.
func (l *Locks) Heartbeat(ctx context.Context) error {
	return l.exclusively(ctx, func(ctx context.Context) error {
		conn, err := l.connection(ctx)
		if err != nil {
			return err
		}
		if err := conn.Ping(ctx); err != nil {
			l.disconnect(ctx)
			return fmt.Errorf("use the connection of the locks: %w", err)
		}
		return nil
	})
}

// Count returns how many instances live. Errors: fault.Unavailable.
func (l *Locks) Count(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()

	var n int
	err := l.pool.QueryRow(ctx, `
		SELECT count(DISTINCT objid)
		FROM pg_locks
		WHERE locktype = 'advisory' AND objsubid = 2 AND granted
		  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
		  AND classid::bigint = $1`, postgres.LockInstance).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count the instances: %w", postgres.Translate(err))
	}
	return n, nil
}
