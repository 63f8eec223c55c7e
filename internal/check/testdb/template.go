package testdb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository/schema"
)

// templateLock is the key of the advisory lock that is held while the template is
// created.
const templateLock = 0x61697368 // "aish"

// migratedTemplate returns the name of a migrated database that serves as a
// template, and creates it if it does not exist. Several test processes may share a
// server, so an advisory lock lets only one of them create it. The name contains a
// fingerprint of the migrations, so a template of other migrations is not used.
func migratedTemplate(ctx context.Context, conn *pgx.Conn, server string) (string, error) {
	fingerprint, err := schema.Fingerprint()
	if err != nil {
		return "", err
	}
	name := "template_" + fingerprint
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, templateLock); err != nil {
		return "", fmt.Errorf("lock the template: %w", err)
	}
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&exists); err != nil {
		return "", fmt.Errorf("find the template: %w", err)
	}
	if !exists {
		if err := createTemplate(ctx, conn, server, name); err != nil {
			return "", fmt.Errorf("create the template: %w", err)
		}
	}
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, templateLock); err != nil {
		return "", fmt.Errorf("unlock the template: %w", err)
	}
	return name, nil
}

// createTemplate migrates a database under a temporary name and then renames it. So
// an unfinished database of a killed process is never used as a template.
func createTemplate(ctx context.Context, conn *pgx.Conn, server, name string) error {
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
	// PostgreSQL cannot copy a database that has connections.
	return execute(ctx, conn, "ALTER DATABASE %s ALLOW_CONNECTIONS false", name)
}

func migrate(ctx context.Context, address string) error {
	pool, err := pgxpool.New(ctx, address)
	if err != nil {
		return err
	}
	defer pool.Close()
	return schema.Migrate(ctx, pool)
}
