package graphapi

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// perSecond is what Meta lets a number send unless it is upgraded.
const perSecond = 80

// within counts the turns that a number gets at once.
func within(t *testing.T, p *Pace, number string, asked int) (given int) {
	t.Helper()
	for range asked {
		switch again := p.Await(t.Context(), number); again {
		case 0:
			given++
		case farTurn:
		default:
			t.Fatalf("told to come back in %v", again)
		}
	}
	return given
}

func TestANumberGetsItsTurnsEvenly(t *testing.T) {
	t.Parallel()
	p := NewPace(perSecond, func(context.Context) (int, error) { return 1, nil })
	began := time.Now()
	if given := within(t, p, "N", 20); given != 20 {
		t.Errorf("%d of 20 calls, one after the other, got a turn", given)
	}
	if took := time.Since(began); took < 19*time.Second/perSecond {
		t.Errorf("20 turns within %v are more than %d a second", took, perSecond)
	}
}

func TestATurnThatIsFarIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	const calls = 100
	p := NewPace(perSecond, func(context.Context) (int, error) { return 1, nil })
	var group sync.WaitGroup
	var mu sync.Mutex
	refused := 0
	for range calls {
		group.Go(func() {
			if p.Await(t.Context(), "N") == farTurn {
				mu.Lock()
				refused++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if refused == 0 || refused == calls {
		t.Errorf("%d of %d calls at once were told to come back", refused, calls)
	}
	if again := p.Await(t.Context(), "another"); again != 0 {
		t.Error("one number holds another one back")
	}
}

func TestInstancesShareANumbersTurns(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	live, fail := 4, error(nil)
	p := NewPace(perSecond, func(context.Context) (int, error) { asked <- struct{}{}; return live, fail })
	p.Await(t.Context(), "N")
	<-asked
	for deadline := time.Now().Add(10 * time.Second); p.share() != 4; {
		if time.Now().After(deadline) {
			t.Fatalf("the share is for %d instances, want 4", p.share())
		}
	}
	began := time.Now()
	within(t, p, "N", 5)
	if took := time.Since(began); took < 4*4*time.Second/perSecond {
		t.Errorf("5 turns within %v are more than a quarter of the limit", took)
	}
	fail = errors.New("down")
	go func() { <-asked }()
	if p.count(t.Context()); p.share() != 4 {
		t.Error("a failed count changed the share")
	}
	fail, live = nil, 0
	go func() { <-asked }()
	if p.count(t.Context()); p.share() != 1 {
		t.Error("an instance alone does not have the whole limit")
	}
}

func (p *Pace) share() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live
}

func TestAwaitEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	p := NewPace(perSecond, func(context.Context) (int, error) { return 1, nil })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.Await(t.Context(), "N")
	if again := p.Await(ctx, "N"); again != farTurn {
		t.Errorf("got %v", again)
	}
}
