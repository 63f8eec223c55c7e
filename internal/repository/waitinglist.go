package repository

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// WaitingList stores who signed up.
type WaitingList struct {
	pool *pgxpool.Pool
	adds groupCommit[waitlist.Person, waitlist.Entry]
}

// NewWaitingList makes a WaitingList.
func NewWaitingList(pool *pgxpool.Pool) *WaitingList {
	w := &WaitingList{pool: pool}
	w.adds.commit = w.add
	w.adds.weight = func(waitlist.Person) int { return 1 }
	return w
}

// Add stores the person and returns their entry, which is the one that stands
// already where the number is on the list. People who are added at the same
// time share a commit.
func (w *WaitingList) Add(ctx context.Context, person waitlist.Person) (waitlist.Entry, error) {
	return w.adds.do(ctx, person)
}

// add stores whose number is not on the list yet and returns everybody's
// entry. It is one round trip: both statements travel together and make one
// transaction.
//
// An INSERT … ON CONFLICT alone would draw an id for every duplicate. So the
// numbers are looked up first, under locks that belong to these numbers: the
// second statement's snapshot begins after the locks are held and sees what
// their last holders have committed. Locks are taken in the order of their
// keys, so that two instances never wait for each other.
func (w *WaitingList) add(ctx context.Context, people []waitlist.Person) ([]waitlist.Entry, error) {
	numbers, names := distinct(people)
	ids := make(map[string]int64, len(numbers))
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT pg_advisory_xact_lock($1, key)
		FROM (SELECT DISTINCT hashtext(number) AS key FROM unnest($2::text[]) AS number ORDER BY key) AS keys`,
		signUpLocks, numbers)
	batch.Queue(`
		WITH known AS (
			SELECT phone_number, id FROM waiting_list WHERE phone_number = ANY ($1)
		), added AS (
			INSERT INTO waiting_list (phone_number, username)
			SELECT number, name
			FROM unnest($1::text[], $2::text[]) AS new (number, name)
			WHERE NOT EXISTS (SELECT FROM known WHERE phone_number = number)
			RETURNING phone_number, id
		)
		SELECT phone_number, id FROM known UNION ALL SELECT phone_number, id FROM added`,
		numbers, names,
	).Query(func(rows pgx.Rows) error {
		var number string
		var id int64
		_, err := pgx.ForEachRow(rows, []any{&number, &id}, func() error { ids[number] = id; return nil })
		return err
	})
	if err := w.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("store sign-ups: %w", translate(err))
	}
	entries := make([]waitlist.Entry, len(people))
	for k, person := range people {
		entries[k].ID = ids[person.PhoneNumber.Reveal()]
	}
	return entries, nil
}

// distinct is each number once, with the name that came first with it.
func distinct(people []waitlist.Person) (numbers, names []string) {
	seen := make(map[string]bool, len(people))
	for _, person := range people {
		number := person.PhoneNumber.Reveal()
		if seen[number] {
			continue
		}
		seen[number] = true
		numbers, names = append(numbers, number), append(names, person.Username.Reveal())
	}
	return numbers, names
}

// Verify notes that the number is known to be its owner's.
func (w *WaitingList) Verify(ctx context.Context, number sensitive.Phone) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	_, err := w.pool.Exec(ctx, `
		UPDATE waiting_list SET verified_at = now() WHERE phone_number = $1 AND verified_at IS NULL`, number.Reveal())
	return translate(err)
}
