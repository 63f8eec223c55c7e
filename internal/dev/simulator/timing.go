package simulator

import (
	"context"
	"time"
)

// Range is a duration between Min and Max that the simulator picks at random.
type Range struct {
	Min time.Duration `json:"min"`
	Max time.Duration `json:"max"`
}

// Timing sets the pace of the simulated systems. The zero value adds no delays,
// which is right for tests.
type Timing struct {
	Model     Range // from a prompt to the end of its completion
	Sent      Range // from an accepted message to its status "sent"
	Delivered Range // from "sent" to "delivered"
	Read      Range // from "delivered" to "read"

	// RetryCap is the longest delay between two attempts to deliver a webhook.
	// Zero means a quarter of a second.
	RetryCap time.Duration
}

// RealisticTiming returns the pace of a person's phone and a small model.
func RealisticTiming() Timing {
	return Timing{
		Model:     Range{800 * time.Millisecond, 2 * time.Second},
		Sent:      Range{60 * time.Millisecond, 140 * time.Millisecond},
		Delivered: Range{200 * time.Millisecond, 400 * time.Millisecond},
		Read:      Range{1200 * time.Millisecond, 1800 * time.Millisecond},
		RetryCap:  8 * time.Second,
	}
}

// retryDelay returns the delay after an attempt, where the first attempt is 1.
// The first retry follows at once. The delay then doubles up to the cap. Meta's
// own delays grow over seven days, which is too slow for development.
func (t Timing) retryDelay(attempt int) time.Duration {
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

// sleep waits for d and reports false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
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
