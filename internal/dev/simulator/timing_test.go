package simulator

import (
	"testing"
	"time"
)

func TestTiming_RetryDelay(t *testing.T) {
	t.Parallel()
	timing := Timing{RetryCap: 8 * time.Second}
	if first := timing.retryDelay(1); first != 0 {
		t.Errorf("delay before the first retry is %v, want 0", first)
	}
	for attempt := 2; attempt < 20; attempt++ {
		before, now := timing.retryDelay(attempt-1), timing.retryDelay(attempt)
		if now < before || now > timing.RetryCap {
			t.Errorf("delay after attempt %d is %v, want between %v and %v", attempt, now, before, timing.RetryCap)
		}
	}
	if longest := timing.retryDelay(1000); longest != timing.RetryCap {
		t.Errorf("longest delay is %v, want %v", longest, timing.RetryCap)
	}
}
