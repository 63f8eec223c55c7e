package waitlistdb

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"aisha/internal/operator"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/service/waitlist"
)

// Chunk implements waitlist.ImportStore.
func (i *Imports) Chunk(ctx context.Context, importID int64, seq int) ([]byte, error) {
	var data []byte
	err := postgres.On(ctx, i.pool).QueryRow(ctx, `
		SELECT data FROM waitlist_import_chunk WHERE import_id = $1 AND seq = $2`, importID, seq).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return data, wrap("read an upload", err)
}

// AddBatch implements waitlist.ImportStore. As in Entries.addAll, no duplicate uses up
// an id, because the numbers are locked. The ids are in the order of the file.
func (i *Imports) AddBatch(ctx context.Context, batch waitlist.ImportBatch) ([]waitlist.ImportOutcome, error) {
	if len(batch.Entries) == 0 {
		return nil, nil
	}
	db := postgres.On(ctx, i.pool)
	columns := newImportColumns(batch.Entries)
	added, isRemoved := make(map[string]int64, len(batch.Entries)), make(map[string]bool)
	queries := &pgx.Batch{}
	if !batch.DryRun {
		queries.Queue(`
			SELECT pg_advisory_xact_lock($1, key) FROM unnest($2::int[]) AS key`, postgres.LockSignUp, lockKeys(columns.numbers))
		queries.Queue(`
			INSERT INTO waitlist_entry (phone_number, username, source, note)
			SELECT number, name, nullif(source, ''), nullif(note, '')
			FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS new (number, name, source, note, position)
			WHERE NOT EXISTS (SELECT FROM waitlist_entry WHERE phone_number = number)
			ORDER BY position
			RETURNING phone_number, id`, columns.numbers, columns.names, columns.sources, columns.notes,
		).Query(func(rows pgx.Rows) error { return collectPairs(rows, added) })
	}
	queries.Queue(`
		SELECT phone_number, status = 'removed' FROM waitlist_entry WHERE phone_number = ANY ($1)`, columns.numbers,
	).Query(func(rows pgx.Rows) error { return collectPairs(rows, isRemoved) })
	if err := db.SendBatch(ctx, queries).Close(); err != nil {
		return nil, wrap("add a batch of an import", err)
	}
	if err := recordImported(ctx, db, batch, columns.numbers, added); err != nil {
		return nil, wrap("record a batch of an import", err)
	}
	outcomes := make([]waitlist.ImportOutcome, len(batch.Entries))
	for n, number := range columns.numbers {
		_, isAdded := added[number]
		removed, exists := isRemoved[number]
		switch {
		case isAdded, batch.DryRun && !exists:
			outcomes[n] = waitlist.ImportAdded
		case removed:
			outcomes[n] = waitlist.ImportSkipped
		default:
			outcomes[n] = waitlist.ImportPresent
		}
	}
	return outcomes, nil
}

// collectPairs adds rows of a key and a value to pairs.
func collectPairs[V any](rows pgx.Rows, pairs map[string]V) error {
	var key string
	var value V
	_, err := pgx.ForEachRow(rows, []any{&key, &value}, func() error { pairs[key] = value; return nil })
	return err
}

// importColumns are the columns of entries.
type importColumns struct{ numbers, names, sources, notes []string }

func newImportColumns(entries []waitlist.ImportEntry) importColumns {
	var c importColumns
	for _, entry := range entries {
		c.numbers = append(c.numbers, entry.PhoneNumber.Reveal())
		c.names = append(c.names, entry.Username.Reveal())
		c.sources = append(c.sources, entry.Source)
		c.notes = append(c.notes, entry.Note.Reveal())
	}
	return c
}

// recordImported stores the consent to the added entries and their audit.
func recordImported(ctx context.Context, db postgres.Querier, batch waitlist.ImportBatch, numbers []string, added map[string]int64) error {
	if len(added) == 0 {
		return nil
	}
	ids, events := make([]int64, 0, len(added)), make([]operator.Event, 0, len(added))
	details := map[string]any{"import_id": batch.ImportID}
	for _, number := range numbers {
		if id, isAdded := added[number]; isAdded {
			ids = append(ids, id)
			events = append(events, operator.Event{Action: "entry.imported", Subject: "entry", SubjectID: id, Details: details})
		}
	}
	if _, err := db.Exec(ctx, `
		INSERT INTO consent (entry_id, purpose, given, channel, source)
		SELECT id, 'list', true, 'import', $2 FROM unnest($1::bigint[]) AS id`, ids, batch.ConsentSource); err != nil {
		return err
	}
	return operatordb.Record(ctx, db, events...)
}

// SaveProgress implements waitlist.ImportStore.
func (i *Imports) SaveProgress(ctx context.Context, importID int64, counts waitlist.ImportCounts, problems []waitlist.ImportProblem) error {
	lines, fields, messages := make([]int, len(problems)), make([]string, len(problems)), make([]string, len(problems))
	for n, problem := range problems {
		lines[n], fields[n], messages[n] = problem.Line, problem.Field, problem.Message
	}
	_, err := postgres.On(ctx, i.pool).Exec(ctx, `
		WITH reported AS (
		    INSERT INTO waitlist_import_problem (import_id, line, field, message)
		    SELECT $1, line, field, message FROM unnest($6::bigint[], $7::text[], $8::text[]) AS problem (line, field, message)
		)
		UPDATE waitlist_import
		SET added = added + $2, present = present + $3, invalid = invalid + $4, skipped = skipped + $5
		WHERE id = $1`,
		importID, counts.Added, counts.Present, counts.Invalid, counts.Skipped, lines, fields, messages)
	return wrap("save the progress of an import", err)
}

// Finish implements waitlist.ImportStore.
func (i *Imports) Finish(ctx context.Context, importID int64) (waitlist.ImportCounts, error) {
	var counts waitlist.ImportCounts
	err := postgres.On(ctx, i.pool).QueryRow(ctx, `
		WITH deleted AS (DELETE FROM waitlist_import_chunk WHERE import_id = $1)
		UPDATE waitlist_import SET finished_at = now() WHERE id = $1
		RETURNING added, present, invalid, skipped`, importID,
	).Scan(&counts.Added, &counts.Present, &counts.Invalid, &counts.Skipped)
	return counts, wrap("finish an import", err)
}
