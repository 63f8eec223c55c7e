package whatsapp

import (
	"context"
	"math"
	"time"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
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

const (
	unhandledPageSize = 50
	// UnhandledExcerpt is how much of an item a list contains, in bytes. An item
	// can be as large as a whole webhook.
	UnhandledExcerpt = 16 << 10
)

func (s *Service) unhandledItems(ctx context.Context, beforeID int64) ([]UnhandledItem, error) {
	if beforeID <= 0 {
		beforeID = math.MaxInt64
	}
	return s.inbox.UnhandledItems(ctx, beforeID, unhandledPageSize)
}

func (s *Service) unhandledItem(ctx context.Context, id int64) (UnhandledItem, error) {
	item, found, err := s.inbox.UnhandledItem(ctx, id)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "there is no unhandled item with this id")
	}
	return item, err
}
