package operatordb

import (
	"time"

	"aisha/internal/repository/retention"
)

const (
	auditRetention     = 2 * 365 * 24 * time.Hour
	operationRetention = 90 * 24 * time.Hour // after the end of the operation
)

// Sweeps returns the sweeps of all tables of this package.
func Sweeps() []retention.Sweep {
	return []retention.Sweep{
		{Tables: []string{"audit"}, Start: int64(0), Page: retention.PageBySQL("audit", sweepAudit, auditRetention)},
		{Tables: []string{"idempotency_key"}, Start: time.Time{}, Page: retention.PageBySQL("idempotency_key", sweepKeys, keyRetention)},
		{Tables: []string{"operation"}, Start: time.Time{}, Page: retention.PageBySQL("operation", sweepOperations, operationRetention)},
	}
}

// The ids of the audit grow with time, so the first row that is too young ends the
// sweep. The other tables have an index on the time after which their rows expire.

const sweepAudit = `
	WITH page AS (
		SELECT id, at FROM audit WHERE id > $1 ORDER BY id LIMIT 1000
	), deleted AS (
		DELETE FROM audit WHERE id = ANY (ARRAY(SELECT id FROM page WHERE at < now() - $2::interval)) RETURNING id
	)
	SELECT max(id), count(*) FROM deleted`

const sweepKeys = `
	WITH expired AS (
		SELECT ctid, created_at FROM idempotency_key
		WHERE created_at >= $1 AND created_at < now() - $2::interval
		ORDER BY created_at LIMIT 1000
		FOR UPDATE SKIP LOCKED
	), deleted AS (
		DELETE FROM idempotency_key WHERE ctid = ANY (ARRAY(SELECT ctid FROM expired)) RETURNING created_at
	)
	SELECT max(created_at), count(*) FROM deleted`

const sweepOperations = `
	WITH expired AS (
		SELECT id FROM operation
		WHERE finished_at >= $1 AND finished_at < now() - $2::interval
		ORDER BY finished_at LIMIT 1000
		FOR UPDATE SKIP LOCKED
	), deleted AS (
		DELETE FROM operation WHERE id = ANY (ARRAY(SELECT id FROM expired)) RETURNING finished_at
	)
	SELECT max(finished_at), count(*) FROM deleted`
