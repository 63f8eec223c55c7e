package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// RunBatch sends the statements that queue adds in one round trip. They are one
// transaction, on behalf of the given number of calls.
//
// A batch of one call runs again, up to five times, after a serialization failure
// or a deadlock. So queue may be called several times and must reset the results
// of its statements. A batch of several calls runs once: package groupcommit
// splits it after a conflict.
func RunBatch(ctx context.Context, pool *pgxpool.Pool, calls int, queue func(*pgx.Batch)) error {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()

	var err error
	for range maxAttempts {
		batch := &pgx.Batch{}
		queue(batch)
		if err = pool.SendBatch(ctx, batch).Close(); !IsConflict(err) || calls > 1 {
			break
		}
	}
	return Translate(err)
}
