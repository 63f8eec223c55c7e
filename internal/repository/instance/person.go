package instance

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aisha/internal/service/whatsapp"
)

// PersonLock is the lock of one person from the moment it was taken. A later
// holder of the same lock has another PersonLock.
type PersonLock struct {
	locks    *Locks
	personID int64
	ctx      context.Context //nolint:containedctx // ends with the lock
	cancel   context.CancelCauseFunc
}

// TryLock locks a person. It implements whatsapp.PersonLocks.
func (l *Locks) TryLock(ctx context.Context, personID int64) (whatsapp.PersonLock, error) {
	lock := &PersonLock{locks: l, personID: personID}
	lock.ctx, lock.cancel = context.WithCancelCause(ctx)
	locked, err := l.operations.Do(ctx, operation{kind: tryLock, lock: lock})
	switch {
	case err != nil:
		lock.UnlockAndCheck() // the lock may have been taken in spite of the error
		return nil, err
	case !locked:
		lock.cancel(whatsapp.ErrLocked)
		return nil, whatsapp.ErrLocked
	}
	return lock, nil
}

// Context ends when the lock is lost.
func (p *PersonLock) Context() context.Context { return p.ctx }

// UnlockAndCheck releases the lock, unless it was lost before, and reports
// whether anything is left to do for the person. It reports true where it cannot
// find out.
func (p *PersonLock) UnlockAndCheck() (workLeft bool) {
	p.cancel(nil)
	ctx := context.WithoutCancel(p.ctx)
	workLeft, err := p.locks.operations.Do(ctx, operation{kind: unlock, lock: p})
	if err == nil {
		return workLeft
	}
	// It is unknown whether the lock was released, so the connection has to end.
	// A new connection may exist already: it has the locks of other persons.
	_ = p.locks.exclusively(ctx, func(ctx context.Context) error {
		if p.locks.held[p.personID] == p {
			p.locks.disconnect(ctx)
		}
		return nil
	})
	return true
}

// operation locks or unlocks one person.
type operation struct {
	kind operationKind
	lock *PersonLock
}

type operationKind uint8

const (
	tryLock operationKind = iota
	unlock
)

// runOperations runs the operations in their order and in one round trip. For a
// tryLock it returns whether the person is locked, for an unlock whether anything
// is left to do. After an error it is unknown which persons are locked, so it
// ends the connection.
func (l *Locks) runOperations(ctx context.Context, operations []operation) ([]bool, error) {
	results := make([]bool, len(operations))
	err := l.exclusively(ctx, func(ctx context.Context) error {
		conn, err := l.connection(ctx)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		for i, op := range operations {
			if op.kind == tryLock {
				l.queueTryLock(batch, op.lock, &results[i])
			} else {
				l.queueUnlock(batch, op.lock, &results[i])
			}
		}
		if batch.Len() == 0 {
			return nil
		}
		if err := conn.SendBatch(ctx, batch).Close(); err != nil {
			l.disconnect(ctx)
			return fmt.Errorf("use the connection of the locks: %w", err)
		}
		return nil
	})
	return results, err
}

// queueTryLock adds the statement that locks a person. PostgreSQL lets a session
// take its own lock twice, so a lock that this instance holds is refused here.
func (l *Locks) queueTryLock(batch *pgx.Batch, lock *PersonLock, locked *bool) {
	if _, held := l.held[lock.personID]; held {
		return
	}
	l.held[lock.personID] = lock
	batch.Queue(`SELECT pg_try_advisory_lock($1)`, lock.personID).QueryRow(func(row pgx.Row) error {
		err := row.Scan(locked)
		if !*locked && l.held[lock.personID] == lock {
			delete(l.held, lock.personID)
		}
		return err
	})
}

func (l *Locks) queueUnlock(batch *pgx.Batch, lock *PersonLock, workLeft *bool) {
	if l.held[lock.personID] != lock {
		*workLeft = true // the lock was lost, and other workers may have done anything since
		return
	}
	delete(l.held, lock.personID)
	batch.Queue(`SELECT pg_advisory_unlock($1)`, lock.personID)
	l.queueWorkLeft(batch, lock.personID, workLeft)
}
