package whatsapp

import (
	"context"
	"math"
)

// keptPage is how many kept items are listed at once.
const keptPage = 50

func (s *Service) kept(ctx context.Context, before int64) ([]KeptItem, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	return s.inbox.Kept(ctx, before, keptPage)
}
