package repository

import (
	"context"
	"fmt"
)

// Instances counts those that live: each holds its lock.
func (l *Locks) Instances(ctx context.Context) (int, error) {
	var n int
	err := l.pool.QueryRow(ctx, `
		SELECT count(DISTINCT objid)
		FROM pg_locks
		WHERE locktype = 'advisory' AND objsubid = 2 AND granted
		  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
		  AND classid::bigint = $1`, instanceLocks).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count the instances: %w", translate(err))
	}
	return n, nil
}
