// Package schema brings the database up to date: River's tables first, then
// ours, which refer to them.
package schema

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"aisha/internal/repository/postgres"
	"aisha/internal/repository/queue"
	"aisha/migrations"
)

// ErrTooOld means that the database has the schema of a version before the first
// release.
var ErrTooOld = errors.New("this database was made by a version of Aisha from before the first release and cannot be upgraded; " +
	"nothing in it was changed: start with an empty database")

// Migrate applies all pending migrations. Several instances may call it at once:
// one of them migrates and the others wait for it. Errors: ErrTooOld,
// fault.Unavailable.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to migrate: %w", postgres.Translate(err))
	}
	defer conn.Release()

	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1, 0)`, postgres.LockMigration); err != nil {
		return fmt.Errorf("wait for other instances that migrate: %w", postgres.Translate(err))
	}
	// The lock belongs to the session. Where it cannot be released the session
	// must not return to the pool.
	defer func() {
		if _, err := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1, 0)`, postgres.LockMigration); err != nil {
			_ = conn.Conn().Close(context.WithoutCancel(ctx))
		}
	}()

	if err := refuseTooOld(ctx, conn); err != nil {
		return err
	}
	if err := queue.Migrate(ctx, pool); err != nil {
		return err
	}
	return migrateTables(ctx, pool)
}

// refuseTooOld recognises the old schema by two of its tables.
func refuseTooOld(ctx context.Context, conn *pgxpool.Conn) error {
	var tooOld bool
	err := conn.QueryRow(ctx, `
		SELECT count(*) = 2 FROM pg_tables WHERE schemaname = current_schema() AND tablename IN ('waiting_list', 'kept_item')`,
	).Scan(&tooOld)
	if err != nil {
		return fmt.Errorf("look at the schema: %w", postgres.Translate(err))
	}
	if tooOld {
		return ErrTooOld
	}
	return nil
}

func migrateTables(ctx context.Context, pool *pgxpool.Pool) error {
	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }() // closes the wrapper; the pool stays open

	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.FS)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate the schema: %w", postgres.Translate(err))
	}
	return nil
}

// Fingerprint returns a hash of all migrations that Migrate applies.
func Fingerprint() (string, error) {
	hash := sha256.New()
	river, err := queue.Migrations()
	if err != nil {
		return "", err
	}
	for _, migration := range river {
		_, _ = fmt.Fprintf(hash, "%d %q\n", migration.Version, migration.SQLUp)
	}
	names, err := fs.Glob(migrations.FS, "*")
	if err != nil {
		return "", fmt.Errorf("list the migrations: %w", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(migrations.FS, name)
		if err != nil {
			return "", fmt.Errorf("read a migration: %w", err)
		}
		_, _ = fmt.Fprintf(hash, "%s %q\n", name, text)
	}
	return fmt.Sprintf("%x", hash.Sum(nil)[:8]), nil
}
