package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository/postgres"
)

// orphanAge is how long after its fetch a job of this instance has certainly
// arrived.
const orphanAge = 15 * time.Second

// Orphans finds jobs that River believes to be running and that no instance
// runs.
type Orphans struct {
	pool     *pgxpool.Pool
	instance string
}

// NewOrphans returns the Orphans of the instance with the given name.
func NewOrphans(pool *pgxpool.Pool, instance string) *Orphans {
	return &Orphans{pool: pool, instance: instance}
}

// Requeue makes orphaned jobs available again and returns their number. A job is
// orphaned where the lock of its instance is free, which means that the instance
// died, or where it belongs to this instance but is not in known, because the
// response to a fetch was lost. Errors: fault.Unavailable.
//
// River counts the interrupted run as an attempt of the job. Requeue raises the
// attempts of the person's other waiting jobs to the same number of
// interruptions, because the next one that runs does the same work.
//
// River's own rescuer goes by the age of a job. That cannot work here: a model
// may take long to answer, and a crash must not delay an answer by as much.
func (o *Orphans) Requeue(ctx context.Context, known []int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()

	tag, err := o.pool.Exec(ctx, `
		WITH running AS (
			SELECT id, args, attempt - coalesce(cardinality(errors), 0) AS interruptions,
			       attempted_at, attempted_by[array_upper(attempted_by, 1)] AS instance
			FROM river_job
			WHERE state = 'running'
		), orphaned AS (
			SELECT id, args, interruptions FROM running
			WHERE CASE WHEN instance = $2 THEN attempted_at < now() - $4::interval AND id <> ALL (coalesce($3::bigint[], '{}'))
			           ELSE NOT EXISTS (
			               SELECT FROM pg_locks
			               WHERE locktype = 'advisory' AND objsubid = 2 AND granted
			                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			                 AND classid::bigint = $1
			                 AND objid::bigint = hashtext(instance)::bigint & x'ffffffff'::bigint)
			      END
		), counted AS (
			UPDATE river_job SET attempt = greatest(attempt, interrupted.interruptions + coalesce(cardinality(errors), 0))
			FROM (SELECT args, max(interruptions) AS interruptions FROM orphaned GROUP BY args) AS interrupted
			WHERE river_job.args = interrupted.args AND state IN ('available', 'scheduled', 'retryable')
		)
		UPDATE river_job SET state = 'available', scheduled_at = now()
		WHERE state = 'running' AND id IN (SELECT id FROM orphaned)`,
		postgres.LockInstance, o.instance, known, orphanAge)
	if err != nil {
		return 0, fmt.Errorf("requeue orphaned jobs: %w", postgres.Translate(err))
	}
	return tag.RowsAffected(), nil
}
