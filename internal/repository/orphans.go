package repository

import (
	"context"
	"fmt"
)

// ReviveOrphans makes the jobs of instances that died available again and
// returns how many there were. An instance is dead when nobody holds its lock.
//
// The queue has a rescuer of its own, but it goes by time and waits an hour
// unless a job can be told to be stuck by its age, which an answer cannot: a
// model may think for long. The lock tells at once.
func (l *Locks) ReviveOrphans(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	tag, err := l.pool.Exec(ctx, `
		UPDATE river_job
		SET state = 'available', scheduled_at = now()
		WHERE state = 'running' AND NOT EXISTS (
			SELECT FROM pg_locks
			WHERE locktype = 'advisory' AND objsubid = 2 AND granted
			  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			  AND classid::bigint = $1
			  AND objid::bigint = hashtext(attempted_by[array_upper(attempted_by, 1)])::bigint & x'ffffffff'::bigint)`,
		instanceLocks)
	if err != nil {
		return 0, fmt.Errorf("revive orphaned jobs: %w", translate(err))
	}
	return tag.RowsAffected(), nil
}
