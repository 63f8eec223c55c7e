package whatsappdb

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

func queueUnhandled(batch *pgx.Batch, items []webhook.UnhandledItem) {
	fields, reasons, raws := make([]string, len(items)), make([]string, len(items)), make([][]byte, len(items))
	for i, item := range items {
		fields[i], reasons[i], raws[i] = item.Field, item.Reason, item.Raw
	}
	batch.Queue(`
		INSERT INTO unhandled_item (field, reason, raw)
		SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[])`, fields, reasons, raws)
}

// UnhandledItems implements whatsapp.Inbox.
func (i *Inbox) UnhandledItems(ctx context.Context, beforeID int64, limit int) ([]whatsapp.UnhandledItem, error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()

	rows, err := i.pool.Query(ctx, `
		SELECT id, field, reason, raw, received_at FROM unhandled_item WHERE id < $1 ORDER BY id DESC LIMIT $2`, beforeID, limit)
	if err != nil {
		return nil, fmt.Errorf("list unhandled items: %w", postgres.Translate(err))
	}
	items, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (whatsapp.UnhandledItem, error) {
		var item whatsapp.UnhandledItem
		var raw []byte
		err := row.Scan(&item.ID, &item.Field, &item.Reason, &raw, &item.ReceivedAt)
		item.Raw = sensitive.NewText(strings.ToValidUTF8(string(raw), "\uFFFD"))
		return item, err
	})
	if err != nil {
		return nil, fmt.Errorf("list unhandled items: %w", postgres.Translate(err))
	}
	return items, nil
}
