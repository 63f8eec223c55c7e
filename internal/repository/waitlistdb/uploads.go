package waitlistdb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/operator"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/waitlist/csvfile"
)

// Imports stores files of people and their imports. It implements
// waitlist.ImportStore.
type Imports struct {
	pool       *pgxpool.Pool
	reads      *pgxpool.Pool
	operations *operatordb.Operations
}

// NewImports returns an Imports. reads is a pool for lists.
func NewImports(pool, reads *pgxpool.Pool) *Imports {
	return &Imports{pool: pool, reads: reads, operations: operatordb.NewOperations(pool)}
}

// BeginUpload implements waitlist.ImportStore.
func (i *Imports) BeginUpload(ctx context.Context, settings waitlist.ImportSettings) (id int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()
	columns := settings.Columns
	if columns == nil {
		columns = map[csvfile.Column]string{}
	}
	err = i.pool.QueryRow(ctx, `
		INSERT INTO waitlist_import (actor, dry_run, source, consent_source, columns)
		VALUES ($1, $2, nullif($3, ''), $4, $5)
		RETURNING id`,
		operator.ActionOf(ctx).Caller.Name, settings.DryRun, settings.Source, settings.ConsentSource, columns,
	).Scan(&id)
	return id, wrap("begin an upload", err)
}

// AddChunk implements waitlist.ImportStore.
func (i *Imports) AddChunk(ctx context.Context, id int64, seq int, data []byte) error {
	return i.exec(ctx, "store a part of an upload", `
		INSERT INTO waitlist_import_chunk (import_id, seq, data) VALUES ($1, $2, $3)`, id, seq, data)
}

// EndUpload implements waitlist.ImportStore.
func (i *Imports) EndUpload(ctx context.Context, upload waitlist.Upload) error {
	return i.exec(ctx, "end an upload", `
		UPDATE waitlist_import SET bytes = $2, sha256 = $3 WHERE id = $1`, upload.ID, upload.Bytes, upload.SHA256)
}

// FailUpload implements waitlist.ImportStore.
func (i *Imports) FailUpload(ctx context.Context, id, bytes int64, message string) error {
	return i.exec(ctx, "fail an upload", `
		WITH deleted AS (DELETE FROM waitlist_import_chunk WHERE import_id = $1)
		UPDATE waitlist_import SET bytes = $2, upload_error = $3 WHERE id = $1`, id, bytes, message)
}

// DropUpload implements waitlist.ImportStore.
func (i *Imports) DropUpload(ctx context.Context, id int64) error {
	return i.exec(ctx, "drop an upload", `DELETE FROM waitlist_import WHERE id = $1 AND operation_id IS NULL`, id)
}

func (i *Imports) exec(ctx context.Context, action, sql string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()
	_, err := i.pool.Exec(ctx, sql, args...)
	return wrap(action, err)
}

func wrap(action string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", action, postgres.Translate(err))
}
