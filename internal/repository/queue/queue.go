// Package queue is the only package that touches River's tables: it migrates
// them, knows which of their indexes were dropped, and re-queues the jobs of dead
// instances. Jobs are inserted by the SQL function queue_answers, which is
// defined in migrations/00003_river.sql and called by the statements that store
// the work.
package queue

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"aisha/internal/repository/postgres"
)

// Migrate applies River's pending migrations.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return fmt.Errorf("prepare the migrations of the queue: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the queue: %w", postgres.Translate(err))
	}
	return nil
}

// Migrations returns the SQL of River's migrations, by version.
func Migrations() ([]rivermigrate.Migration, error) {
	migrator, err := rivermigrate.New(riverpgxv5.New(nil), nil)
	if err != nil {
		return nil, fmt.Errorf("read the migrations of the queue: %w", err)
	}
	return migrator.AllVersions(), nil
}

// ReindexerIndexNames lists the indexes that River may rebuild: its own without
// those that migrations/00003_river.sql drops.
func ReindexerIndexNames() []string {
	return slices.DeleteFunc(river.ReindexerIndexNamesDefault(), func(name string) bool {
		return name == "river_job_args_index" || name == "river_job_metadata_index"
	})
}
