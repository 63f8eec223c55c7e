package graphapi

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// defaultThroughput is how many messages a second Meta accepts from a number
// unless it is upgraded.
// https://developers.facebook.com/docs/whatsapp/cloud-api/overview#throughput
const defaultThroughput = 80

func oneInstance(context.Context) (int, error) { return 1, nil }

// countPermits calls Wait that many times, one after the other, and returns how
// often the number may send.
func countPermits(t *testing.T, l *SendLimiter, phoneNumberID string, calls int) (permits int) {
	t.Helper()
	for range calls {
		switch retryIn := l.Wait(t.Context(), phoneNumberID); retryIn {
		case 0:
			permits++
		case retryLater:
		default:
			t.Fatalf("Wait = %v, want 0 or %v", retryIn, retryLater)
		}
	}
	return permits
}

func (l *SendLimiter) currentInstances() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.instances
}

func TestSendLimiter_Wait(t *testing.T) {
	t.Parallel()
	t.Run("permits_are_spread_evenly", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			l := NewSendLimiter(defaultThroughput, oneInstance)
			began := time.Now()
			if got := countPermits(t, l, "N", 20); got != 20 {
				t.Errorf("permits = %d, want 20", got)
			}
			if took, want := time.Since(began), 19*time.Second/defaultThroughput; took < want {
				t.Errorf("20 permits took %v, want at least %v", took, want)
			}
		})
	})
	t.Run("does_not_block_for_long", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			const calls = 100
			l := NewSendLimiter(defaultThroughput, oneInstance)
			var group sync.WaitGroup
			var delayed atomic.Int32
			for range calls {
				group.Go(func() {
					if l.Wait(t.Context(), "N") == retryLater {
						delayed.Add(1)
					}
				})
			}
			group.Wait()
			if got := delayed.Load(); got == 0 || got == calls {
				t.Errorf("%d of %d concurrent calls returned retryLater, want some but not all", got, calls)
			}
			if retryIn := l.Wait(t.Context(), "another"); retryIn != 0 {
				t.Errorf("Wait of another number = %v, want 0", retryIn)
			}
		})
	})
	t.Run("cancelled_context_ends_it", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			l := NewSendLimiter(defaultThroughput, oneInstance)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			l.Wait(t.Context(), "N")
			if retryIn := l.Wait(ctx, "N"); retryIn != retryLater {
				t.Errorf("Wait = %v, want %v", retryIn, retryLater)
			}
		})
	})
}

func TestSendLimiter_Wait_SharesTheLimitAmongInstances(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		instances, countErr := 4, error(nil)
		l := NewSendLimiter(defaultThroughput, func(context.Context) (int, error) { return instances, countErr })
		l.Wait(t.Context(), "N")
		synctest.Wait() // the count that the first call began
		if got := l.currentInstances(); got != 4 {
			t.Fatalf("instances = %d, want 4", got)
		}

		began := time.Now()
		countPermits(t, l, "N", 5)
		if took, want := time.Since(began), 4*4*time.Second/defaultThroughput; took < want {
			t.Errorf("5 permits took %v, want at least %v", took, want)
		}

		countErr = errors.New("down")
		l.updateInstances(t.Context())
		if got := l.currentInstances(); got != 4 {
			t.Errorf("instances after a failed count = %d, want 4", got)
		}
		countErr, instances = nil, 0
		l.updateInstances(t.Context())
		if got := l.currentInstances(); got != 1 {
			t.Errorf("instances after a count of 0 = %d, want 1", got)
		}
	})
}
