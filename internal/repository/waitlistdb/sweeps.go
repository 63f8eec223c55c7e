package waitlistdb

import (
	"time"

	"aisha/internal/repository/retention"
)

// uploadRetention is how long a file is kept whose upload has not ended.
const uploadRetention = 24 * time.Hour

// Sweeps returns the sweeps of this package. Only the files of imports expire; the
// waiting list is kept for ever.
func Sweeps() []retention.Sweep {
	const table = "waitlist_import_chunk"
	return []retention.Sweep{
		{Tables: []string{table}, Start: int64(0), Page: retention.PageBySQL(table, sweepChunks, uploadRetention)},
	}
}

// sweepChunks looks at a few imports at once, because a file can have 64 MiB. An
// import deletes its own file when it succeeds, but not when it fails or is cancelled.
const sweepChunks = `
	WITH page AS (
		SELECT id, operation_id, created_at FROM waitlist_import WHERE id > $1 ORDER BY id LIMIT 5
	), expired AS (
		SELECT page.id
		FROM page LEFT JOIN operation ON operation.id = operation_id
		WHERE CASE WHEN operation_id IS NULL THEN page.created_at < now() - $2::interval
		           ELSE operation.finished_at IS NOT NULL
		      END
	), deleted AS (
		DELETE FROM waitlist_import_chunk WHERE import_id = ANY (ARRAY(SELECT id FROM expired)) RETURNING import_id
	)
	SELECT (SELECT max(id) FROM page), (SELECT count(*) FROM deleted)`
