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
	distinct := distinctNumbers(entries)
	numbers := distinct.numbers
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
		distinct.queueInsert(batch).Query(collect)
	})
	if err != nil {
		return nil, fmt.Errorf("store sign-ups: %w", err)
	}
	if len(ids) < len(numbers) {
		removed, err := e.lookUp(ctx, numbers, ids)
		if err != nil {
			return nil, fmt.Errorf("look up sign-ups: %w", postgres.Translate(err))
		}
		if err := e.bringBack(ctx, removed, distinct.consentsOf(ids)); err != nil {
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
// have signed up again. consents are the versions of the texts that they agreed to.
func (e *Entries) bringBack(ctx context.Context, removed []int64, consents map[int64]string) error {
	if len(removed) == 0 {
		return nil
	}
	return pgx.BeginFunc(ctx, e.pool, func(tx pgx.Tx) error {
		changed, err := changeStatuses(ctx, tx, removed, waitlist.Restore.Change(), personActor)
		if err != nil {
			return err
		}
		var ids []int64
		var versions []string
		for _, entry := range changed {
			if version, given := consents[entry.id]; given {
				ids, versions = append(ids, entry.id), append(versions, version)
			}
		}
		if ids == nil {
			return nil
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO consent (entry_id, purpose, given, text_version, channel)
			SELECT id, 'list', true, version, 'web' FROM unnest($1::bigint[], $2::text[]) AS new (id, version)`, ids, versions)
		return postgres.Translate(err)
	})
}

// consentsOf returns the consents by the ids of the entries.
func (n newEntries) consentsOf(ids map[string]int64) map[int64]string {
	consents := make(map[int64]string)
	for i, version := range n.consents {
		if version != nil {
			consents[ids[n.numbers[i]]] = *version
		}
	}
	return consents
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

// newEntries are entries with distinct numbers, as columns.
type newEntries struct {
	numbers, names []string
	sources        []*string // nil: none
	referrers      []*int64  // nil: none
	consents       []*string // versions; nil: none
	plain          bool      // there are no referrers and no consents
}

// distinctNumbers returns every number once, with what its first entry has.
func distinctNumbers(entries []waitlist.NewEntry) newEntries {
	distinct := newEntries{plain: true}
	seen := make(map[string]bool, len(entries))
	for _, entry := range entries {
		number := entry.PhoneNumber.Reveal()
		if seen[number] {
			continue
		}
		seen[number] = true
		distinct.numbers = append(distinct.numbers, number)
		distinct.names = append(distinct.names, entry.Username.Reveal())
		distinct.sources = append(distinct.sources, orNull(entry.Source))
		distinct.referrers = append(distinct.referrers, orNull(entry.ReferrerID))
		distinct.consents = append(distinct.consents, orNull(entry.ConsentVersion))
		distinct.plain = distinct.plain && entry.ReferrerID == 0 && entry.ConsentVersion == ""
	}
	return distinct
}

// orNull returns nil, which becomes NULL, for the zero value.
func orNull[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	given := value
	return &given
}

// queueInsert adds the statement that inserts those of the entries whose number is
// new and returns their numbers and ids. A referrer that does not exist, or is
// removed, is ignored.
func (n newEntries) queueInsert(batch *pgx.Batch) *pgx.QueuedQuery {
	const insert = `
		INSERT INTO waitlist_entry (phone_number, username, source)
		SELECT number, name, source
		FROM unnest($1::text[], $2::text[], $3::text[]) AS new (number, name, source)
		WHERE NOT EXISTS (SELECT FROM waitlist_entry WHERE phone_number = number)
		RETURNING phone_number, id`
	if n.plain {
		return batch.Queue(insert, n.numbers, n.names, n.sources)
	}
	return batch.Queue(`
		WITH added AS (`+insert+`),
		more AS (
		    SELECT added.id, new.*
		    FROM added JOIN unnest($1::text[], $3::text[], $4::bigint[], $5::text[]) AS new (number, source, referrer_id, consent)
		         ON number = added.phone_number),
		referred AS (
		    INSERT INTO referral (referee_id, referrer_id)
		    SELECT more.id, referrer.id
		    FROM more JOIN waitlist_entry AS referrer ON referrer.id = more.referrer_id
		    WHERE referrer.status <> 'removed'),
		consented AS (
		    INSERT INTO consent (entry_id, purpose, given, text_version, channel, source)
		    SELECT id, 'list', true, consent, 'web', source
		    FROM more
		    WHERE consent IS NOT NULL)
		SELECT phone_number, id FROM added`,
		n.numbers, n.names, n.sources, n.referrers, n.consents)
}

// Verify implements waitlist.Store. It takes one round trip.
func (e *Entries) Verify(ctx context.Context, number sensitive.Phone, name sensitive.Text, rules waitlist.ReferralRules) error {
	err := postgres.RunBatch(ctx, e.pool, 1, func(batch *pgx.Batch) {
		queueLockReferral(batch, number)
		batch.Queue(`
			WITH verified AS (
			    UPDATE waitlist_entry
			    SET verified_at = now(), username = coalesce(nullif($2, ''), username)
			    WHERE phone_number = $1 AND verified_at IS NULL
			    RETURNING id)
			INSERT INTO consent (entry_id, purpose, given, channel)
			SELECT id, 'list', true, 'whatsapp' FROM verified`, number.Reveal(), name.Reveal())
		queueCredit(batch, number, rules)
	})
	if err != nil {
		return fmt.Errorf("verify the entry: %w", err)
	}
	return nil
}
