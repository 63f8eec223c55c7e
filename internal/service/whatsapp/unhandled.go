package whatsapp

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

// UnhandledItem is a stored webhook item that nothing handled.
type UnhandledItem struct {
	ID         int64
	Field      string
	Reason     string
	Raw        sensitive.Text // in a list at most UnhandledExcerpt bytes
	Truncated  bool           // Raw is only the beginning
	ReceivedAt time.Time
}

// UnhandledExcerpt is how much of an item a list contains, in bytes. An item can be as
// large as a whole webhook.
const UnhandledExcerpt = 16 << 10

// limitUnhandled returns at most maxUnhandled of the unhandled items of a
// webhook. If there are more, the whole body follows them as one more item, so
// that nothing is lost.
func limitUnhandled(items []webhook.UnhandledItem, body []byte) []webhook.UnhandledItem {
	if len(items) <= maxUnhandled {
		return items
	}
	return append(items[:maxUnhandled:maxUnhandled], webhook.UnhandledItem{
		Reason: "the whole webhook, which has too many unhandled items to store each",
		Raw:    body,
	})
}

// logUnhandled logs one line about all unhandled items of a webhook, with a count
// for each field and reason.
func (s *Service) logUnhandled(ctx context.Context, items []webhook.UnhandledItem) {
	if len(items) == 0 {
		return
	}
	const maxCounts = 20 // further ones are counted together
	counts := make(map[string]int)
	for _, item := range items {
		key := loggedField(item.Field) + ": " + item.Reason
		if _, known := counts[key]; !known && len(counts) >= maxCounts {
			key = "others"
		}
		counts[key]++
	}
	s.options.Log.InfoContext(ctx, "webhook items not handled", slog.Int("items", len(items)), slog.Any("counts", counts))
}

// loggedField returns the field where it has the form of Meta's names. Any other
// text could hold a number or words.
func loggedField(field string) string {
	const longest = 50 // Meta's longest field has 35 characters
	if len(field) > longest || strings.Trim(field, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return "unknown field"
	}
	return field
}

func (s *Service) unhandledItem(ctx context.Context, id int64) (UnhandledItem, error) {
	item, found, err := s.inbox.UnhandledItem(ctx, id)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "there is no unhandled item with this id")
	}
	return item, err
}
