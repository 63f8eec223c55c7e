package waitlistdb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository/postgres"
)

// Warnings returns a log message if the migration could not create the extension
// pg_trgm. Errors: fault.Unavailable.
func Warnings(ctx context.Context, pool *pgxpool.Pool) ([]string, error) {
	var missing bool
	err := pool.QueryRow(ctx, `SELECT to_regclass('waitlist_search_words_trgm') IS NULL`).Scan(&missing)
	if err != nil {
		return nil, fmt.Errorf("look for the search index: %w", postgres.Translate(err))
	}
	if !missing {
		return nil, nil
	}
	return []string{"the extension pg_trgm is missing in the database: " +
		"a search of the waiting list finds names by their beginning only"}, nil
}
