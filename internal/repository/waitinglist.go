package repository

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"

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
// entry. It is one round trip where nobody is on it yet: both statements travel
// together and make one transaction. Who was there before is looked up after.
//
// An INSERT … ON CONFLICT alone would draw an id for every duplicate. So only
// numbers that are not there are inserted, under locks that belong to these
// numbers: the second statement's snapshot begins after the locks are held and
// sees what their last holders have committed. Locks are taken in the order of
// their keys, so that two instances never wait for each other.
func (w *WaitingList) add(ctx context.Context, people []waitlist.Person) ([]waitlist.Entry, error) {
	numbers, names := distinct(people)
	ids := make(map[string]int64, len(numbers))
	read := func(rows pgx.Rows) error {
		var number string
		var id int64
		_, err := pgx.ForEachRow(rows, []any{&number, &id}, func() error { ids[number] = id; return nil })
		return err
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT pg_advisory_xact_lock($1, key) FROM unnest($2::int[]) AS key`, signUpLocks, lockKeys(numbers))
	batch.Queue(`
		INSERT INTO waiting_list (phone_number, username)
		SELECT number, name
		FROM unnest($1::text[], $2::text[]) AS new (number, name)
		WHERE NOT EXISTS (SELECT FROM waiting_list WHERE phone_number = number)
		RETURNING phone_number, id`, numbers, names,
	).Query(read)
	if err := w.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("store sign-ups: %w", translate(err))
	}
	if len(ids) < len(numbers) {
		rows, err := w.pool.Query(ctx, `SELECT phone_number, id FROM waiting_list WHERE phone_number = ANY ($1)`, numbers)
		if err == nil {
			err = read(rows)
		}
		if err != nil {
			return nil, fmt.Errorf("look up sign-ups: %w", translate(err))
		}
	}
	entries := make([]waitlist.Entry, len(people))
	for k, person := range people {
		entries[k].ID = ids[person.PhoneNumber.Reveal()]
	}
	return entries, nil
}

// lockKeys are the keys of the numbers' locks, each once and in order.
func lockKeys(numbers []string) []int32 {
	keys := make([]int32, len(numbers))
	for k, number := range numbers {
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(number))
		keys[k] = int32(hash.Sum32()) //nolint:gosec // all 32 bits of it
	}
	slices.Sort(keys)
	return slices.Compact(keys)
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
