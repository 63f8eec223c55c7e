package testdb

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"aisha/internal/repository"
	"aisha/migrations"
)

// templateLock is the key of the advisory lock under which a template is made.
const templateLock = 0x61697368 // "aish"

// template is a migrated database to copy from. The first who needs it makes
// it, the others wait; test processes may share the server. Its name tells
// what it was migrated with, so one of older migrations is never taken.
func template(ctx context.Context, conn *pgx.Conn, server string) (string, error) {
	fingerprint, err := schemaFingerprint()
	if err != nil {
		return "", err
	}
	name := "template_" + fingerprint
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, templateLock); err != nil {
		return "", fmt.Errorf("wait for the template: %w", err)
	}
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&exists); err != nil {
		return "", fmt.Errorf("look for the template: %w", err)
	}
	if !exists {
		if err := makeTemplate(ctx, conn, server, name); err != nil {
			return "", fmt.Errorf("make the template: %w", err)
		}
	}
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, templateLock); err != nil {
		return "", fmt.Errorf("give back the template: %w", err)
	}
	return name, nil
}

// makeTemplate gives the database its name when it is complete, so that nobody
// copies what a killed process has left half made.
func makeTemplate(ctx context.Context, conn *pgx.Conn, server, name string) error {
	unfinished := name + "_unfinished"
	address, err := databaseURL(server, unfinished)
	if err != nil {
		return err
	}
	if err := execute(ctx, conn, "DROP DATABASE IF EXISTS %s WITH (FORCE)", unfinished); err != nil {
		return err
	}
	if err := execute(ctx, conn, "CREATE DATABASE %s TEMPLATE template0", unfinished); err != nil {
		return err
	}
	if err := migrate(ctx, address); err != nil {
		return err
	}
	if err := execute(ctx, conn, "ALTER DATABASE %s RENAME TO %s", unfinished, name); err != nil {
		return err
	}
	// A database with connections cannot be copied.
	return execute(ctx, conn, "ALTER DATABASE %s ALLOW_CONNECTIONS false", name)
}

func migrate(ctx context.Context, address string) error {
	pool, err := pgxpool.New(ctx, address)
	if err != nil {
		return err
	}
	defer pool.Close()
	return repository.Migrate(ctx, pool)
}

// schemaFingerprint tells apart all versions of what repository.Migrate
// applies: the queue's migrations and ours.
func schemaFingerprint() (string, error) {
	hash := sha256.New()
	queue, err := rivermigrate.New(riverpgxv5.New(nil), nil)
	if err != nil {
		return "", fmt.Errorf("read the queue's migrations: %w", err)
	}
	for _, migration := range queue.AllVersions() {
		_, _ = fmt.Fprintf(hash, "%d %q\n", migration.Version, migration.SQLUp)
	}
	names, err := fs.Glob(migrations.FS, "*")
	for _, name := range names {
		text, readErr := fs.ReadFile(migrations.FS, name)
		err = errors.Join(err, readErr)
		_, _ = fmt.Fprintf(hash, "%s %q\n", name, text)
	}
	if err != nil {
		return "", fmt.Errorf("read the migrations: %w", err)
	}
	return fmt.Sprintf("%x", hash.Sum(nil)[:8]), nil
}
