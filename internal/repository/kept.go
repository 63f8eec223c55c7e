package repository

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
)

// Kept lists items that nobody acted on, newest first.
func (i *Inbox) Kept(ctx context.Context, before int64, limit int) ([]whatsapp.KeptItem, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	rows, err := i.pool.Query(ctx, `
		SELECT id, field, reason, raw, received_at FROM kept_item WHERE id < $1 ORDER BY id DESC LIMIT $2`, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list kept items: %w", translate(err))
	}
	items, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (whatsapp.KeptItem, error) {
		var item whatsapp.KeptItem
		var raw []byte
		err := row.Scan(&item.ID, &item.Field, &item.Reason, &raw, &item.ReceivedAt)
		item.Raw = sensitive.NewText(strings.ToValidUTF8(string(raw), "\uFFFD"))
		return item, err
	})
	if err != nil {
		return nil, fmt.Errorf("list kept items: %w", translate(err))
	}
	return items, nil
}
