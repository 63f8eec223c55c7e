package waitlistdb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"aisha/internal/fault"
	"aisha/internal/operator"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

// Update implements waitlist.EntryStore, in the transaction of ctx.
func (m *ManagedEntries) Update(ctx context.Context, id int64, update waitlist.EntryUpdate) (waitlist.Entry, error) {
	tx, err := postgres.On(ctx, m.pool).Begin(ctx)
	if err != nil {
		return waitlist.Entry{}, postgres.Translate(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()

	entry, err := lockEntry(ctx, tx, id)
	if err != nil {
		return entry, err
	}
	if update.Versions != nil && !slices.Contains(update.Versions, entry.Version) {
		return entry, fault.New(fault.Conflict, "the entry has changed: read it again, and send its ETag as If-Match")
	}
	changed := applyUpdate(&entry, update)
	if changed == nil {
		return entry, nil
	}
	err = tx.QueryRow(ctx, `
		UPDATE waitlist_entry SET username = $2, source = $3, note = $4 WHERE id = $1 RETURNING xmin::text`,
		id, entry.Username.Reveal(), entry.Source, revealed(entry.Note)).Scan(&entry.Version)
	if err != nil {
		return entry, fmt.Errorf("update an entry: %w", postgres.Translate(err))
	}
	err = operatordb.Record(ctx, tx, operator.Event{
		Action: "entry.updated", Subject: "entry", SubjectID: id, Details: map[string]any{"changed": changed},
	})
	if err != nil {
		return entry, err
	}
	return entry, postgres.Translate(tx.Commit(ctx))
}

// lockEntry locks an entry and returns it. It takes the lock on the counts first, as
// every transaction that updates entries does.
func lockEntry(ctx context.Context, tx pgx.Tx, id int64) (entry waitlist.Entry, err error) {
	batch := &pgx.Batch{}
	batch.Queue(`SELECT pg_advisory_xact_lock_shared($1, 0)`, postgres.LockCounts)
	batch.Queue(`SELECT `+entryColumns+` FROM `+entryTables+` WHERE entry.id = $1 FOR NO KEY UPDATE OF entry`, id).
		Query(func(rows pgx.Rows) (err error) {
			entry, err = pgx.CollectExactlyOneRow(rows, scanEntry)
			return err
		})
	err = tx.SendBatch(ctx, batch).Close()
	if errors.Is(err, pgx.ErrNoRows) {
		return entry, noEntry()
	}
	if err != nil {
		return entry, fmt.Errorf("lock an entry: %w", postgres.Translate(err))
	}
	return entry, nil
}

// applyUpdate changes the entry and returns the names of the members that changed.
func applyUpdate(entry *waitlist.Entry, update waitlist.EntryUpdate) (changed []string) {
	if update.Username != nil && *update.Username != entry.Username {
		entry.Username = *update.Username
		changed = append(changed, "username")
	}
	if update.Source != nil {
		source := nonEmpty(*update.Source)
		if !equal(source, entry.Source) {
			entry.Source = source
			changed = append(changed, "source")
		}
	}
	if update.Note != nil {
		note := asText(nonEmpty(update.Note.Reveal()))
		if !equal(note, entry.Note) {
			entry.Note = note
			changed = append(changed, "note")
		}
	}
	return changed
}

func nonEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func equal[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func asText(text *string) *sensitive.Text {
	if text == nil {
		return nil
	}
	wrapped := sensitive.NewText(*text)
	return &wrapped
}

func revealed(text *sensitive.Text) *string {
	if text == nil {
		return nil
	}
	plain := text.Reveal()
	return &plain
}
