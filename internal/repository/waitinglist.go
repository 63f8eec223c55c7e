package repository

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/service/waitlist"
)

// WaitingList stores who signed up.
type WaitingList struct{ pool *pgxpool.Pool }

// NewWaitingList makes a WaitingList.
func NewWaitingList(pool *pgxpool.Pool) *WaitingList { return &WaitingList{pool} }

// Add stores the person and returns their entry, which is the one that stands
// already where the number is on the list. It is one round trip: both
// statements travel together and make one transaction.
//
// An INSERT … ON CONFLICT alone would draw an id for every duplicate. So the
// number is looked up first, under a lock that belongs to this number alone:
// the second statement's snapshot begins after the lock is held and sees what
// its last holder has committed.
func (w *WaitingList) Add(ctx context.Context, person waitlist.Person) (waitlist.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	var entry waitlist.Entry
	batch := &pgx.Batch{}
	batch.Queue(`SELECT pg_advisory_xact_lock($1, hashtext($2))`, signUpLocks, person.PhoneNumber.Reveal())
	batch.Queue(`
		WITH known AS (
			SELECT id FROM waiting_list WHERE phone_number = $1
		), added AS (
			INSERT INTO waiting_list (username, phone_number)
			SELECT $2, $1 WHERE NOT EXISTS (SELECT FROM known)
			RETURNING id
		)
		SELECT id FROM known UNION ALL SELECT id FROM added`,
		person.PhoneNumber.Reveal(), person.Username.Reveal(),
	).QueryRow(func(row pgx.Row) error { return row.Scan(&entry.ID) })

	if err := w.pool.SendBatch(ctx, batch).Close(); err != nil {
		return waitlist.Entry{}, translate(err)
	}
	return entry, nil
}
