package graphapi

import (
	"context"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/ratelimiter"

	"aisha/internal/service/whatsapp"
)

const (
	// maxBlock is how long Wait blocks its worker at most.
	maxBlock = 100 * time.Millisecond
	// retryLater is what Wait returns where it would have to block for longer.
	retryLater = time.Second
	// countInterval is how often the instances are counted.
	countInterval = 5 * time.Second
)

// SendLimiter keeps each of our numbers below Meta's throughput limit. Every
// instance takes an equal share of it.
//
// For a few seconds after an instance started, the shares can add up to more
// than the limit. Meta then refuses some messages, and a send hold begins.
type SendLimiter struct {
	perSecond      uint
	countInstances func(context.Context) (int, error)

	mu        sync.Mutex // guards the fields below
	instances int
	countedAt time.Time
	limiters  map[string]ratelimiter.RateLimiter[any] // by phone number id
}

var _ whatsapp.SendLimiter = (*SendLimiter)(nil)

// NewSendLimiter returns a SendLimiter for perSecond messages a second from
// each number, over all instances. Where countInstances fails, the SendLimiter
// uses the latest count.
func NewSendLimiter(perSecond int, countInstances func(context.Context) (int, error)) *SendLimiter {
	return &SendLimiter{
		perSecond:      uint(max(perSecond, 1)),
		countInstances: countInstances,
		instances:      1,
		limiters:       make(map[string]ratelimiter.RateLimiter[any]),
	}
}

// Wait implements whatsapp.SendLimiter.
func (l *SendLimiter) Wait(ctx context.Context, phoneNumberID string) time.Duration {
	wait := l.limiter(ctx, phoneNumberID).TryReservePermit(maxBlock)
	if wait < 0 {
		return retryLater
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return retryLater
	case <-timer.C:
		return 0
	}
}

// limiter returns the limiter of a number. It starts a new count of the
// instances where the latest one is too old.
func (l *SendLimiter) limiter(ctx context.Context, phoneNumberID string) ratelimiter.RateLimiter[any] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.countedAt) > countInterval {
		l.countedAt = time.Now()
		go l.updateInstances(context.WithoutCancel(ctx))
	}
	limiter, ok := l.limiters[phoneNumberID]
	if !ok {
		limiter = ratelimiter.NewSmooth[any](l.perSecond, time.Duration(l.instances)*time.Second)
		l.limiters[phoneNumberID] = limiter
	}
	return limiter
}

// updateInstances counts the instances. Where their number has changed it
// drops all limiters, so that they are made again with the new share.
func (l *SendLimiter) updateInstances(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, countInterval)
	defer cancel()
	instances, err := l.countInstances(ctx)

	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && max(instances, 1) != l.instances {
		l.instances = max(instances, 1)
		clear(l.limiters)
	}
}
