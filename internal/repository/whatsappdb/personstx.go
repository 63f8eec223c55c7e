package whatsappdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository/postgres"
)

// personsLock is the mode in which a transaction takes the lock of all persons.
type personsLock uint8

const (
	// lockPersonsShared: no person is deleted or merged until the transaction
	// ends. One lock serves all persons, because a lock on each row would write to
	// the row, and the persons of a webhook are on as many pages.
	lockPersonsShared personsLock = iota
	// lockPersonsExclusive: this transaction may delete and merge persons.
	lockPersonsExclusive
)

// errNeedsExclusiveLock means that persons have to be merged, or that a number
// has a new owner.
var errNeedsExclusiveLock = errors.New("this transaction needs the exclusive lock of all persons")

// personsTx is a transaction that holds the lock of all persons.
type personsTx struct {
	*postgres.Tx
	mode personsLock
}

// inPersonsTx runs work in a transaction that holds the lock; see
// [postgres.InTx]. It runs the transaction again where another one stored the
// same person concurrently.
func inPersonsTx(ctx context.Context, pool *pgxpool.Pool, mode personsLock, work func(context.Context, *personsTx) error) error {
	return postgres.InTx(ctx, pool, func(ctx context.Context, tx *postgres.Tx) error {
		tx.AfterBegin(mode.queue)
		err := work(ctx, &personsTx{Tx: tx, mode: mode})
		if postgres.IsUniqueViolation(err, "person_bsuid_key", "person_wa_id_key") {
			return fmt.Errorf("%w: %w", postgres.ErrRetry, err)
		}
		return err
	})
}

// queue adds the statements that take the lock. They come before every other
// statement: a transaction that waited for the lock later would hold rows that
// others wait for.
//
// Whatever stores messages waits behind a request for the exclusive lock. So
// every wait of such a transaction is short, be it for this lock or for a row;
// [postgres.InTx] runs it again after a pause.
func (m personsLock) queue(batch *pgx.Batch) {
	if m == lockPersonsShared {
		batch.Queue(`SELECT pg_advisory_xact_lock_shared($1, 0)`, postgres.LockPersons)
		return
	}
	batch.Queue(`SET LOCAL lock_timeout = '500ms'`)
	batch.Queue(`SELECT pg_advisory_xact_lock($1, 0)`, postgres.LockPersons)
}
