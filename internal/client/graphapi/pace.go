package graphapi

import (
	"context"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/ratelimiter"

	"aisha/internal/service/whatsapp"
)

const (
	// nearTurn is how long a worker is kept for a turn that is near.
	nearTurn = 100 * time.Millisecond
	// farTurn is when to ask again for one that is not.
	farTurn = time.Second
	// countEvery is how often the instances are counted.
	countEvery = 5 * time.Second
)

// Pace gives each of our numbers its turns to send, so that all instances
// together stay within Meta's limit: each takes an equal share of it. While the
// number of instances changes the shares may be wrong for a few seconds; then
// Meta refuses some messages and the gate of the number closes for a while.
type Pace struct {
	perSecond uint
	instances func(context.Context) (int, error)

	mu      sync.Mutex // guards what follows
	live    int
	counted time.Time
	numbers map[string]ratelimiter.RateLimiter[any]
}

var _ whatsapp.Pace = (*Pace)(nil)

// NewPace makes a Pace that lets each number send that many messages a second,
// over all instances, which the function counts. Where it fails the last count
// stands.
func NewPace(perSecond int, instances func(context.Context) (int, error)) *Pace {
	return &Pace{perSecond: uint(max(perSecond, 1)), instances: instances, live: 1, numbers: make(map[string]ratelimiter.RateLimiter[any])}
}

// Await implements whatsapp.Pace.
func (p *Pace) Await(ctx context.Context, phoneNumberID string) time.Duration {
	wait := p.turns(ctx, phoneNumberID).TryReservePermit(nearTurn)
	if wait < 0 {
		return farTurn
	}
	turn := time.NewTimer(wait)
	defer turn.Stop()
	select {
	case <-ctx.Done():
		return farTurn
	case <-turn.C:
		return 0
	}
}

func (p *Pace) turns(ctx context.Context, phoneNumberID string) ratelimiter.RateLimiter[any] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.counted) > countEvery {
		p.counted = time.Now()
		go p.count(context.WithoutCancel(ctx))
	}
	turns, known := p.numbers[phoneNumberID]
	if !known {
		turns = ratelimiter.NewSmooth[any](p.perSecond, time.Duration(p.live)*time.Second)
		p.numbers[phoneNumberID] = turns
	}
	return turns
}

// count makes the shares anew where the number of instances has changed.
func (p *Pace) count(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, countEvery)
	defer cancel()
	live, err := p.instances(ctx)

	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && max(live, 1) != p.live {
		p.live = max(live, 1)
		clear(p.numbers)
	}
}
