package whatsapp

import (
	"context"
	"math"
	"time"

	"aisha/internal/sensitive"
)

// UnhandledItem is a stored webhook item that nothing handled.
type UnhandledItem struct {
	ID         int64
	Field      string
	Reason     string
	Raw        sensitive.Text
	ReceivedAt time.Time
}

const unhandledPageSize = 50

func (s *Service) unhandledItems(ctx context.Context, beforeID int64) ([]UnhandledItem, error) {
	if beforeID <= 0 {
		beforeID = math.MaxInt64
	}
	return s.inbox.UnhandledItems(ctx, beforeID, unhandledPageSize)
}
