package waitlistdb

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/fault"
	"aisha/internal/operator"
	"aisha/internal/page"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/service/waitlist"
)

// staleUpload is the age at which an upload that neither ended nor failed is that of a
// process that was killed. It is longer than an upload may take.
const staleUpload = 20 * time.Minute

// Start implements waitlist.ImportStore. It runs in the transaction of ctx.
func (i *Imports) Start(ctx context.Context, upload waitlist.Upload) (operationID int64, err error) {
	db := postgres.On(ctx, i.pool)
	err = db.QueryRow(ctx, `
		SELECT operation.id
		FROM waitlist_import AS new
		JOIN waitlist_import AS earlier
		  ON (earlier.sha256, earlier.dry_run, earlier.consent_source, earlier.columns) = (new.sha256, new.dry_run, new.consent_source, new.columns)
		 AND earlier.source IS NOT DISTINCT FROM new.source
		JOIN operation ON operation.id = earlier.operation_id
		WHERE new.id = $1
		  AND NOT new.dry_run
		  AND operation.state IN ('queued', 'running')
		ORDER BY earlier.id DESC
		LIMIT 1`, upload.ID).Scan(&operationID)
	if !errors.Is(err, pgx.ErrNoRows) {
		return operationID, wrap("look for the same import", err)
	}
	operationID, err = i.operations.Start(ctx, waitlist.ImportKind, waitlist.ImportArgs{ImportID: upload.ID}, nil)
	if err != nil {
		return 0, err
	}
	if _, err := db.Exec(ctx, `UPDATE waitlist_import SET operation_id = $2 WHERE id = $1`, upload.ID, operationID); err != nil {
		return 0, wrap("start an import", err)
	}
	settings := upload.Settings
	return operationID, operatordb.Record(ctx, db, operator.Event{
		Action: "import.started", Subject: "import", SubjectID: upload.ID,
		Details: map[string]any{
			"dry_run": settings.DryRun, "source": settings.Source, "consent_source": settings.ConsentSource, "bytes": upload.Bytes,
		},
	})
}

// importSelect has the parameter stale, see staleUpload.
const importSelect = `
	SELECT imported.id, dry_run, coalesce(source, ''), consent_source, columns, imported.created_at, operation_id,
	       added, present, invalid, skipped,
	       CASE
	           WHEN upload_error IS NOT NULL THEN 'failed'
	           WHEN operation.id IS NOT NULL THEN operation.state
	           WHEN imported.finished_at IS NOT NULL THEN 'succeeded'
	           WHEN imported.created_at > now() - @stale::interval THEN 'uploading'
	           ELSE 'failed'
	       END,
	       CASE
	           WHEN upload_error IS NOT NULL THEN upload_error
	           WHEN operation.id IS NOT NULL THEN operation.failure ->> 'message'
	           WHEN imported.finished_at IS NOT NULL OR imported.created_at > now() - @stale::interval THEN NULL
	           WHEN sha256 IS NULL THEN 'the upload broke off'
	           ELSE 'it was not finished'
	       END
	FROM waitlist_import AS imported
	LEFT JOIN operation ON operation.id = operation_id`

func scanImport(row pgx.CollectableRow) (waitlist.Import, error) {
	var found waitlist.Import
	settings, counts := &found.Settings, &found.Counts
	err := row.Scan(&found.ID, &settings.DryRun, &settings.Source, &settings.ConsentSource, &settings.Columns, &found.CreatedAt,
		&found.OperationID, &counts.Added, &counts.Present, &counts.Invalid, &counts.Skipped, &found.State, &found.Error)
	return found, err
}

// Import implements waitlist.ImportStore.
func (i *Imports) Import(ctx context.Context, id int64) (waitlist.Import, error) {
	rows, err := postgres.On(ctx, i.pool).Query(ctx, importSelect+` WHERE imported.id = @id`,
		pgx.NamedArgs{"stale": staleUpload, "id": id})
	if err != nil {
		return waitlist.Import{}, wrap("read an import", err)
	}
	found, err := pgx.CollectExactlyOneRow(rows, scanImport)
	if errors.Is(err, pgx.ErrNoRows) {
		return found, fault.New(fault.NotFound, "there is no import with this id")
	}
	return found, wrap("read an import", err)
}

// Imports implements waitlist.ImportStore.
func (i *Imports) Imports(ctx context.Context, request page.Request) (page.Page[waitlist.Import], error) {
	args := pgx.NamedArgs{"stale": staleUpload, "before": nil, "limit": request.Limit + 1, "count_limit": page.CountLimit + 1}
	if request.After != nil {
		args["before"] = request.After[0]
	}
	rows, err := i.reads.Query(ctx, importSelect+`
		WHERE (@before::bigint IS NULL OR imported.id < @before)
		ORDER BY imported.id DESC
		LIMIT @limit`, args)
	if err != nil {
		return page.Page[waitlist.Import]{}, wrap("list imports", err)
	}
	imports, err := pgx.CollectRows(rows, scanImport)
	if err != nil {
		return page.Page[waitlist.Import]{}, wrap("list imports", err)
	}
	p := page.New(imports, request.Limit, func(found waitlist.Import) []int64 { return []int64{found.ID} })
	if request.Count {
		var n int
		err = i.reads.QueryRow(ctx, `SELECT count(*) FROM (SELECT FROM waitlist_import LIMIT @count_limit) AS counted`, args).Scan(&n)
		p.Count = page.NewCount(n)
	}
	return p, wrap("count imports", err)
}

// Problems implements waitlist.ImportStore.
func (i *Imports) Problems(ctx context.Context, importID int64, afterLine, limit int) ([]waitlist.ImportProblem, error) {
	rows, err := i.reads.Query(ctx, `
		SELECT line, field, message
		FROM waitlist_import_problem
		WHERE import_id = $1 AND line > $2
		ORDER BY line
		LIMIT $3`, importID, afterLine, limit)
	if err != nil {
		return nil, wrap("read the problems of an import", err)
	}
	problems, err := pgx.CollectRows(rows, pgx.RowToStructByPos[waitlist.ImportProblem])
	return problems, wrap("read the problems of an import", err)
}
