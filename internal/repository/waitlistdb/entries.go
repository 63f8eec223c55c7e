// Package waitlistdb stores the entries of the waiting list.
package waitlistdb

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aisha/internal/repository/groupcommit"
	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// Entries stores waiting list entries. It implements waitlist.Store.
type Entries struct {
	pool *pgxpool.Pool
	adds *groupcommit.Batcher[waitlist.NewEntry, waitlist.Added]
}

// NewEntries returns an Entries.
func NewEntries(pool *pgxpool.Pool) *Entries {
	e := &Entries{pool: pool}
	e.adds = groupcommit.New(e.addAll, groupcommit.Options[waitlist.NewEntry]{})
	return e
}

// Add implements waitlist.Store. Concurrent calls share a commit.
func (e *Entries) Add(ctx context.Context, entry waitlist.NewEntry) (waitlist.Added, error) {
	return e.adds.Do(ctx, entry)
}

// addAll stores the entries whose number is new and returns the stored entry of
// each. It takes one round trip, a second one where a number has an entry already,
// and a third one where that entry was removed.
//
// INSERT … ON CONFLICT would use up an id for every duplicate. So only numbers
// without an entry are inserted, under advisory locks on these numbers: the
// second statement's snapshot begins after the locks are taken and contains what
// their last holders committed. The locks are taken in the order of their keys,
// so that two instances cannot deadlock.
func (e *Entries) addAll(ctx context.Context, entries []waitlist.NewEntry) ([]waitlist.Added, error) {
	numbers, names := distinctNumbers(entries)
	ids := make(map[string]int64, len(numbers))
	collect := func(rows pgx.Rows) error {
		var number string
		var id int64
		_, err := pgx.ForEachRow(rows, []any{&number, &id}, func() error { ids[number] = id; return nil })
		return err
	}
	err := postgres.RunBatch(ctx, e.pool, len(entries), func(batch *pgx.Batch) {
		clear(ids)
		batch.Queue(`
			SELECT pg_advisory_xact_lock($1, key) FROM unnest($2::int[]) AS key`, postgres.LockSignUp, lockKeys(numbers))
		batch.Queue(`
			INSERT INTO waitlist_entry (phone_number, username)
			SELECT number, name
			FROM unnest($1::text[], $2::text[]) AS new (number, name)
			WHERE NOT EXISTS (SELECT FROM waitlist_entry WHERE phone_number = number)
			RETURNING phone_number, id`, numbers, names,
		).Query(collect)
	})
	if err != nil {
		return nil, fmt.Errorf("store sign-ups: %w", err)
	}
	if len(ids) < len(numbers) {
		removed, err := e.lookUp(ctx, numbers, ids)
		if err != nil {
			return nil, fmt.Errorf("look up sign-ups: %w", postgres.Translate(err))
		}
		if err := e.bringBack(ctx, removed); err != nil {
			return nil, err
		}
	}
	stored := make([]waitlist.Added, len(entries))
	for i, entry := range entries {
		stored[i].ID = ids[entry.PhoneNumber.Reveal()]
	}
	return stored, nil
}

// lookUp adds the ids of the numbers' entries to ids, and returns those of removed
// entries.
func (e *Entries) lookUp(ctx context.Context, numbers []string, ids map[string]int64) (removed []int64, err error) {
	rows, err := e.pool.Query(ctx, `
		SELECT phone_number, id, status = 'removed' FROM waitlist_entry WHERE phone_number = ANY ($1)`, numbers)
	if err != nil {
		return nil, err
	}
	var number string
	var id int64
	var isRemoved bool
	_, err = pgx.ForEachRow(rows, []any{&number, &id, &isRemoved}, func() error {
		ids[number] = id
		if isRemoved {
			removed = append(removed, id)
		}
		return nil
	})
	return removed, err
}

// personActor is the actor of changes by the persons of the entries.
const personActor = "person"

// bringBack returns removed entries to the end of the list, because their persons
// have signed up again.
func (e *Entries) bringBack(ctx context.Context, removed []int64) error {
	if len(removed) == 0 {
		return nil
	}
	_, err := changeStatuses(ctx, e.pool, removed, waitlist.Restore.Change(), personActor)
	return err
}

// lockKeys returns the keys of the numbers' locks, without duplicates and in
// ascending order.
func lockKeys(numbers []string) []int32 {
	keys := make([]int32, len(numbers))
	for i, number := range numbers {
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(number))
		keys[i] = int32(hash.Sum32()) //nolint:gosec // the bits are used as they are
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// distinctNumbers returns every number once, with the first name given for it.
func distinctNumbers(entries []waitlist.NewEntry) (numbers, names []string) {
	seen := make(map[string]bool, len(entries))
	for _, entry := range entries {
		number := entry.PhoneNumber.Reveal()
		if seen[number] {
			continue
		}
		seen[number] = true
		numbers, names = append(numbers, number), append(names, entry.Username.Reveal())
	}
	return numbers, names
}

// Verify implements waitlist.Store.
func (e *Entries) Verify(ctx context.Context, number sensitive.Phone, name sensitive.Text) error {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()

	_, err := e.pool.Exec(ctx, `
		UPDATE waitlist_entry
		SET verified_at = now(), username = coalesce(nullif($2, ''), username)
		WHERE phone_number = $1 AND verified_at IS NULL`, number.Reveal(), name.Reveal())
	return postgres.Translate(err)
}
