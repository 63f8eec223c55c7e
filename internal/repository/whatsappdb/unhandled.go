package whatsappdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"aisha/internal/page"
	"aisha/internal/repository/postgres"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

// ofFormerOwner returns the unhandled item for an item that names only a number
// which has passed to another person since.
func ofFormerOwner(field string, raw []byte) webhook.UnhandledItem {
	return webhook.UnhandledItem{
		Field:  field,
		Reason: "sent before the phone number passed to another person",
		Raw:    raw,
	}
}

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
func (i *Inbox) UnhandledItems(ctx context.Context, request page.Request) (page.Page[whatsapp.UnhandledItem], error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()

	before := int64(math.MaxInt64)
	if request.After != nil {
		before = request.After[0]
	}
	rows, err := i.pool.Query(ctx, `
		SELECT id, field, reason, substring(raw FOR $3), length(raw) > $3, received_at
		FROM unhandled_item WHERE id < $1 ORDER BY id DESC LIMIT $2`, before, request.Limit+1, whatsapp.UnhandledExcerpt)
	if err != nil {
		return page.Page[whatsapp.UnhandledItem]{}, fmt.Errorf("list unhandled items: %w", postgres.Translate(err))
	}
	items, err := pgx.CollectRows(rows, scanUnhandledItem)
	if err != nil {
		return page.Page[whatsapp.UnhandledItem]{}, fmt.Errorf("list unhandled items: %w", postgres.Translate(err))
	}
	p := page.New(items, request.Limit, func(item whatsapp.UnhandledItem) []int64 { return []int64{item.ID} })
	if request.Count {
		var n int
		err = i.pool.QueryRow(ctx, `
			SELECT count(*) FROM (SELECT FROM unhandled_item LIMIT $1) AS counted`, page.CountLimit+1).Scan(&n)
		p.Count = page.NewCount(n)
	}
	return p, postgres.Translate(err)
}

// UnhandledItem implements whatsapp.Inbox.
func (i *Inbox) UnhandledItem(ctx context.Context, id int64) (item whatsapp.UnhandledItem, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.CallTimeout)
	defer cancel()

	rows, err := i.pool.Query(ctx, `
		SELECT id, field, reason, raw, false, received_at FROM unhandled_item WHERE id = $1`, id)
	if err != nil {
		return whatsapp.UnhandledItem{}, false, fmt.Errorf("get an unhandled item: %w", postgres.Translate(err))
	}
	item, err = pgx.CollectExactlyOneRow(rows, scanUnhandledItem)
	if errors.Is(err, pgx.ErrNoRows) {
		return whatsapp.UnhandledItem{}, false, nil
	}
	if err != nil {
		return whatsapp.UnhandledItem{}, false, fmt.Errorf("get an unhandled item: %w", postgres.Translate(err))
	}
	return item, true, nil
}

func scanUnhandledItem(row pgx.CollectableRow) (whatsapp.UnhandledItem, error) {
	var item whatsapp.UnhandledItem
	var raw []byte
	err := row.Scan(&item.ID, &item.Field, &item.Reason, &raw, &item.Truncated, &item.ReceivedAt)
	if item.Truncated {
		raw = trimPartialRune(raw)
	}
	item.Raw = sensitive.NewText(strings.ToValidUTF8(string(raw), "\uFFFD"))
	return item, err
}

// trimPartialRune removes the last character if it is incomplete.
func trimPartialRune(text []byte) []byte {
	for i := len(text) - 1; i >= 0 && i >= len(text)-utf8.UTFMax; i-- {
		if !utf8.RuneStart(text[i]) {
			continue
		}
		if utf8.FullRune(text[i:]) {
			return text
		}
		return text[:i]
	}
	return text
}
