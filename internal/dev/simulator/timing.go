package simulator

import (
	"context"
	"time"
)

// Range is how long something takes: any time from Min to Max.
type Range struct {
	Min time.Duration `json:"min"`
	Max time.Duration `json:"max"`
}

// Timing is the pace of the outside world. Its zero value is as fast as
// possible, which is what tests want.
type Timing struct {
	Model     Range // from a prompt to the end of its answer
	Sent      Range // from an accepted message to its status "sent"
	Delivered Range // from there to "delivered"
	Read      Range // from there to "read"

	// RetryCap is the longest pause between two attempts of a webhook.
	// Zero means a quarter of a second.
	RetryCap time.Duration
}

// Lifelike is the pace of a person's phone and a small model.
func Lifelike() Timing {
	return Timing{
		Model:     Range{800 * time.Millisecond, 2 * time.Second},
		Sent:      Range{60 * time.Millisecond, 140 * time.Millisecond},
		Delivered: Range{200 * time.Millisecond, 400 * time.Millisecond},
		Read:      Range{1200 * time.Millisecond, 1800 * time.Millisecond},
		RetryCap:  8 * time.Second,
	}
}

// retryPause is how long to wait after the attempt with this number, the first
// being 1: not at all, then twice as long each time, up to the cap. Meta's own
// pauses grow over seven days; nobody at a desk would wait for those.
func (t Timing) retryPause(attempt int) time.Duration {
	const doublings = 4
	longest := t.RetryCap
	if longest == 0 {
		longest = 250 * time.Millisecond
	}
	switch {
	case attempt <= 1:
		return 0
	case attempt >= doublings+2:
		return longest
	default:
		return longest >> (doublings + 2 - attempt)
	}
}

// pause waits and reports whether the time was allowed to pass.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
