package whatsappdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"aisha/internal/repository/postgres"
	"aisha/internal/service/whatsapp/webhook"
)

// resolvePersons returns the id of each identity's person, in the given order.
// It stores new persons, and new identifiers of known ones. Where all persons
// are known it costs one read, and all new ones together cost one write.
func resolvePersons(ctx context.Context, tx *personsTx, identities []webhook.Identity) ([]int64, error) {
	if len(identities) == 0 {
		return nil, nil
	}
	known, err := findPersons(ctx, tx, identities)
	if err != nil {
		return nil, err
	}
	// All transactions store persons in the same order, so that two webhooks of
	// the same new persons wait for each other and cannot deadlock.
	sorted := slices.SortedFunc(slices.Values(identities), func(a, b webhook.Identity) int {
		return cmp.Or(cmp.Compare(a.BSUID, b.BSUID), cmp.Compare(a.WaID.Reveal(), b.WaID.Reveal()))
	})
	if err := insertPersons(ctx, tx, known, known.unknown(sorted)); err != nil {
		return nil, err
	}
	for _, identity := range sorted {
		if err := resolvePerson(ctx, tx, known, identity); err != nil {
			return nil, err
		}
	}
	ids := make([]int64, len(identities))
	for i, identity := range identities {
		person, found := known.find(identity)
		if !found {
			return nil, postgres.ErrRetry // the number got a new owner within this batch
		}
		ids[i] = person.id
	}
	return ids, nil
}

// resolvePerson stores the identifiers that are new in the identity.
func resolvePerson(ctx context.Context, tx *personsTx, known personIndex, identity webhook.Identity) error {
	found, exists := known.find(identity)
	if exists && !found.lacks(identity) {
		return nil
	}
	if owner, other := known.otherOwner(found, identity); other {
		if tx.mode != lockPersonsExclusive {
			return errNeedsExclusiveLock
		}
		if err := releaseNumber(ctx, tx, known, found, owner); err != nil {
			return err
		}
	}
	saved, err := savePerson(ctx, tx, found, identity)
	if err != nil {
		return err
	}
	known.add(saved)
	return nil
}

// findPersons reads the persons with any of the identifiers. A transaction with
// the exclusive lock may change them, so it also locks the rows: answers write to
// persons too.
func findPersons(ctx context.Context, tx *personsTx, identities []webhook.Identity) (personIndex, error) {
	bsuids, waIDs := make([]string, 0, len(identities)), make([]string, 0, len(identities))
	for _, identity := range identities {
		if identity.BSUID != "" {
			bsuids = append(bsuids, identity.BSUID)
		}
		if !identity.WaID.IsZero() {
			waIDs = append(waIDs, identity.WaID.Reveal())
		}
	}
	sql := `
		SELECT id, coalesce(bsuid, ''), coalesce(wa_id, '')
		FROM person
		WHERE bsuid = ANY ($1) OR wa_id = ANY ($2)`
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

// insertPersons stores persons of whom no identifier is known.
func insertPersons(ctx context.Context, tx *personsTx, known personIndex, identities []webhook.Identity) error {
	n := len(identities)
	if n == 0 {
		return nil
	}
	bsuids, waIDs, names := make([]string, n), make([]string, n), make([]string, n)
	for i, identity := range identities {
		bsuids[i], waIDs[i], names[i] = identity.BSUID, identity.WaID.Reveal(), identity.Name.Reveal()
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO person (bsuid, wa_id, name)
		SELECT nullif(bsuid, ''), nullif(wa_id, ''), name
		FROM unnest($1::text[], $2::text[], $3::text[]) AS new (bsuid, wa_id, name)
		ON CONFLICT DO NOTHING
		RETURNING id, coalesce(bsuid, ''), coalesce(wa_id, '')`, bsuids, waIDs, names,
	).Query(known.addRows)
	if err := tx.Send(ctx, batch); err != nil {
		return fmt.Errorf("store persons: %w", err)
	}
	for _, identity := range identities {
		if !known.has(identity) {
			return postgres.ErrRetry // stored by another transaction since findPersons
		}
	}
	return nil
}

// savePerson stores one new person, or the identifiers that a known one lacks. A
// person has the number that they last wrote from.
func savePerson(ctx context.Context, tx *personsTx, known person, identity webhook.Identity) (person, error) {
	saved := known
	saved.bsuid = cmp.Or(saved.bsuid, identity.BSUID)
	saved.waID = cmp.Or(identity.WaID.Reveal(), saved.waID)
	if known.id != 0 {
		exclusive := tx.mode == lockPersonsExclusive
		tag, err := tx.Exec(ctx, `
			UPDATE person
			SET bsuid        = nullif($2, ''),
			    wa_id        = nullif($3, ''),
			    number_since = CASE WHEN wa_id IS DISTINCT FROM nullif($3, '') THEN now() ELSE number_since END,
			    name         = coalesce(nullif($7, ''), name)
			WHERE id = $1 AND ($4 OR coalesce(bsuid, '') = $5 AND coalesce(wa_id, '') = $6)`,
			known.id, saved.bsuid, saved.waID, exclusive, known.bsuid, known.waID, identity.Name.Reveal())
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
		INSERT INTO person (bsuid, wa_id, name)
		VALUES (nullif($1, ''), nullif($2, ''), $3)
		ON CONFLICT DO NOTHING
		RETURNING id`, saved.bsuid, saved.waID, identity.Name.Reveal(),
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
