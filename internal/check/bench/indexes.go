package main

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// dropIndexes drops all keys and indexes of the tables and returns the statements
// that restore them. It reads them from the catalog, so it needs no change when a
// migration adds an index.
func dropIndexes(ctx context.Context, conn *pgx.Conn, tables []string) (restore []string, err error) {
	// Foreign keys are dropped before the keys they refer to and restored after
	// them. They are restored NOT VALID, because the seeded rows satisfy them.
	rows, err := conn.Query(ctx, `
		WITH key AS (
			SELECT *, format('ALTER TABLE %s ', conrelid::regclass) AS alter, quote_ident(conname) AS name
			FROM pg_constraint
			WHERE conrelid = ANY ($1::regclass[]) AND contype IN ('p', 'u')
			   OR contype = 'f' AND (conrelid = ANY ($1::regclass[]) OR confrelid = ANY ($1::regclass[]))
		), step AS (
			SELECT CASE contype WHEN 'f' THEN 1 ELSE 3 END AS place, alter || 'DROP CONSTRAINT ' || name AS remove,
			       alter || 'ADD CONSTRAINT ' || name || ' ' || pg_get_constraintdef(oid) ||
			       CASE contype WHEN 'f' THEN ' NOT VALID' ELSE '' END AS restore
			FROM key
			UNION ALL
			SELECT 2, format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
			FROM pg_index
			WHERE indrelid = ANY ($1::regclass[]) AND indexrelid NOT IN (SELECT conindid FROM pg_constraint WHERE contype IN ('p', 'u'))
		)
		SELECT remove, restore FROM step ORDER BY place`, tables)
	if err != nil {
		return nil, err
	}
	var dropOne, restoreOne string
	var drop []string
	if _, err = pgx.ForEachRow(rows, []any{&dropOne, &restoreOne}, func() error {
		drop, restore = append(drop, dropOne), append([]string{restoreOne}, restore...)
		return nil
	}); err != nil {
		return nil, err
	}
	for _, sql := range drop {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return nil, err
		}
	}
	return restore, nil
}
