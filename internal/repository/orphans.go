package repository

import (
	"context"
	"fmt"
)

// ReviveOrphans makes jobs available again that the queue believes to be
// running and nobody runs, and returns how many there were: those of instances
// that died, which is when nobody holds their lock, and those of this instance
// that it does not know of because the answer to its fetch was lost.
//
// The queue has a rescuer of its own, but it goes by time and waits an hour
// unless a job can be told to be stuck by its age, which an answer cannot: a
// model may think for long. The lock tells at once.
func (l *Locks) ReviveOrphans(ctx context.Context, working []int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	tag, err := l.pool.Exec(ctx, `
		WITH running AS (
			SELECT id, attempted_at, attempted_by[array_upper(attempted_by, 1)] AS instance
			FROM river_job
			WHERE state = 'running'
		), orphaned AS (
			SELECT id FROM running
			WHERE CASE WHEN instance = $2 THEN attempted_at < now() - interval '15 seconds' AND id <> ALL ($3)
			           ELSE NOT EXISTS (
			               SELECT FROM pg_locks
			               WHERE locktype = 'advisory' AND objsubid = 2 AND granted
			                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			                 AND classid::bigint = $1
			                 AND objid::bigint = hashtext(instance)::bigint & x'ffffffff'::bigint)
			      END
		)
		UPDATE river_job SET state = 'available', scheduled_at = now()
		WHERE state = 'running' AND id IN (SELECT id FROM orphaned)`,
		instanceLocks, l.instance, working)
	if err != nil {
		return 0, fmt.Errorf("revive orphaned jobs: %w", translate(err))
	}
	return tag.RowsAffected(), nil
}
