package whatsappdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

// sighting is an identity that a person had at a time by Meta's clock. A webhook
// may arrive days after that time.
type sighting struct {
	webhook.Identity
	at time.Time
}

func (s sighting) isEmpty() bool { return s.BSUID == "" && s.WaID.IsZero() }

// resolveSightings returns the id of each sighting's person, in the given order.
// The id is 0 for a sighting that names only a number which has passed to another
// person since: it is unknown whose number that was.
//
// It stores new persons, and new identifiers and names of known ones. Where
// nothing is new it costs one read, and all new persons together cost one write.
func resolveSightings(ctx context.Context, tx *personsTx, sightings []sighting) ([]int64, error) {
	if len(sightings) == 0 {
		return nil, nil
	}
	known, err := findPersons(ctx, tx, sightings)
	if err != nil {
		return nil, err
	}
	byTime := slices.SortedStableFunc(slices.Values(sightings), func(a, b sighting) int { return a.at.Compare(b.at) })
	byTime = known.withoutFormerNumbers(byTime)
	if err := insertPersons(ctx, tx, known, sortForLocks(known.unknown(byTime))); err != nil {
		return nil, err
	}
	for _, s := range sortForLocks(byTime) {
		if err := resolvePerson(ctx, tx, known, s); err != nil {
			return nil, err
		}
	}
	ids := make([]int64, len(sightings))
	for i, s := range sightings {
		s = known.withoutFormerNumber(s)
		if s.isEmpty() {
			continue
		}
		person, found := known.find(s.Identity)
		if !found {
			return nil, postgres.ErrRetry // the number got a new owner within this batch
		}
		ids[i] = person.id
	}
	return ids, nil
}

// sortForLocks returns the sightings in the order in which all transactions store
// persons, so that two webhooks of the same new persons wait for each other and
// cannot deadlock. Sightings of one user id, in whatever case, keep their order.
func sortForLocks(sightings []sighting) []sighting {
	return slices.SortedStableFunc(slices.Values(sightings), func(a, b sighting) int {
		return strings.Compare(cmp.Or(strings.ToLower(a.BSUID), a.WaID.Reveal()), cmp.Or(strings.ToLower(b.BSUID), b.WaID.Reveal()))
	})
}

// resolvePerson stores the identifiers and the name that are new in the sighting.
// A webhook that was sent before the person got their number does not bring an
// earlier one back.
func resolvePerson(ctx context.Context, tx *personsTx, known personIndex, s sighting) error {
	s = known.withoutFormerNumber(s) // an earlier sighting of this batch may have brought the new owner
	if s.isEmpty() {
		return nil
	}
	found, exists := known.find(s.Identity)
	if exists && s.at.Before(found.numberSince) {
		s.WaID = sensitive.Phone{}
	}
	if exists && !found.lacks(s.Identity) {
		return nil
	}
	if owner, other := known.otherOwner(found, s.Identity); other {
		if tx.mode != lockPersonsExclusive {
			return errNeedsExclusiveLock
		}
		if err := releaseNumber(ctx, tx, known, found, owner); err != nil {
			return err
		}
	}
	saved, err := savePerson(ctx, tx, found, s)
	if err != nil {
		return err
	}
	known.add(saved)
	return nil
}

// findPersons reads the persons with any of the identifiers. A transaction with
// the exclusive lock may change them, so it also locks the rows: answers write to
// persons too.
func findPersons(ctx context.Context, tx *personsTx, sightings []sighting) (personIndex, error) {
	bsuids, waIDs := make([]string, 0, len(sightings)), make([]string, 0, len(sightings))
	for _, s := range sightings {
		if s.BSUID != "" {
			bsuids = append(bsuids, strings.ToLower(s.BSUID))
		}
		if !s.WaID.IsZero() {
			waIDs = append(waIDs, s.WaID.Reveal())
		}
	}
	sql := `
		SELECT id, coalesce(bsuid, ''), coalesce(wa_id, ''), name, number_since
		FROM person
		WHERE ` + lowerBSUID + ` = ANY ($1) OR wa_id = ANY ($2)`
	if tx.mode == lockPersonsExclusive {
		sql += ` ORDER BY id FOR UPDATE`
	}
	known := newPersonIndex()
	batch := &pgx.Batch{}
	batch.Queue(sql, bsuids, waIDs).Query(known.addRows)
	if err := tx.Send(ctx, batch); err != nil {
		return personIndex{}, fmt.Errorf("look up persons: %w", err)
	}
	return known, nil
}

// insertPersons stores persons of whom no identifier is known. They count as known
// to us since they were seen, which may be long before the webhook arrives.
func insertPersons(ctx context.Context, tx *personsTx, known personIndex, sightings []sighting) error {
	n := len(sightings)
	if n == 0 {
		return nil
	}
	bsuids, waIDs, names := make([]string, n), make([]string, n), make([]string, n)
	seenAt := make([]time.Time, n)
	for i, s := range sightings {
		bsuids[i], waIDs[i], names[i], seenAt[i] = s.BSUID, s.WaID.Reveal(), s.Name.Reveal(), s.at
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO person (bsuid, wa_id, name, created_at)
		SELECT nullif(bsuid, ''), nullif(wa_id, ''), name, least(seen_at, now())
		FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) AS new (bsuid, wa_id, name, seen_at)
		ON CONFLICT DO NOTHING
		RETURNING id, coalesce(bsuid, ''), coalesce(wa_id, ''), name, number_since`, bsuids, waIDs, names, seenAt,
	).Query(known.addRows)
	if err := tx.Send(ctx, batch); err != nil {
		return fmt.Errorf("store persons: %w", err)
	}
	for _, s := range sightings {
		if !known.has(s.Identity) {
			return postgres.ErrRetry // stored by another transaction since findPersons
		}
	}
	return nil
}

// savePerson stores the identifiers and the name that a known person lacks, or a
// new person whose number another person had until now. A person has the number
// that they wrote from last, by Meta's clock.
func savePerson(ctx context.Context, tx *personsTx, known person, s sighting) (person, error) {
	saved := known
	saved.bsuid = cmp.Or(saved.bsuid, s.BSUID)
	saved.waID = cmp.Or(s.WaID.Reveal(), saved.waID)
	saved.name = cmp.Or(s.Name, saved.name)
	if saved.waID != known.waID {
		saved.numberSince = s.at
	}
	if known.id != 0 {
		exclusive := tx.mode == lockPersonsExclusive
		tag, err := tx.Exec(ctx, `
			UPDATE person
			SET bsuid        = nullif($2, ''),
			    wa_id        = nullif($3, ''),
			    number_since = CASE WHEN wa_id IS DISTINCT FROM nullif($3, '') THEN least($8, now()) ELSE number_since END,
			    name         = coalesce(nullif($7, ''), name)
			WHERE id = $1 AND ($4 OR coalesce(bsuid, '') = $5 AND coalesce(wa_id, '') = $6)`,
			known.id, saved.bsuid, saved.waID, exclusive, known.bsuid, known.waID, s.Name.Reveal(), s.at)
		if err != nil {
			return person{}, fmt.Errorf("store the identifiers of a person: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return person{}, postgres.ErrRetry // changed by another transaction since findPersons
		}
		return saved, nil
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO person (bsuid, wa_id, name, created_at, number_since)
		VALUES (nullif($1, ''), nullif($2, ''), $3, least($4, now()), CASE WHEN $2 <> '' THEN least($4, now()) END)
		ON CONFLICT DO NOTHING
		RETURNING id`, saved.bsuid, saved.waID, s.Name.Reveal(), s.at,
	).QueryRow(func(row pgx.Row) error { return row.Scan(&saved.id) })
	err := tx.Send(ctx, batch)
	if errors.Is(err, pgx.ErrNoRows) {
		return person{}, postgres.ErrRetry // stored by another transaction since findPersons
	}
	if err != nil {
		return person{}, fmt.Errorf("store a person: %w", err)
	}
	return saved, nil
}
