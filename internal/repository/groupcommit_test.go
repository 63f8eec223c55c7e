package repository

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aisha/internal/fault"
)

// disk is where a commit takes a second of a clock that only the test moves.
// Commits never overlap, so it needs no lock; the race detector checks that.
type disk struct {
	commits [][]int
	reject  func([]int) error // nil: everything is stored
}

func (d *disk) commit(_ context.Context, in []int) ([]int, error) {
	d.commits = append(d.commits, slices.Sorted(slices.Values(in)))
	time.Sleep(time.Second)
	if d.reject != nil {
		if err := d.reject(in); err != nil {
			return nil, err
		}
	}
	out := make([]int, len(in))
	for k, n := range in {
		out[k] = -n
	}
	return out, nil
}

// stored are what the disk took, in the order in which it came.
func (d *disk) stored() []int {
	var all []int
	for _, in := range d.commits {
		if d.reject == nil || d.reject(in) == nil {
			all = append(all, in...)
		}
	}
	return all
}

func (d *disk) group() *groupCommit[int, int] {
	return &groupCommit[int, int]{commit: d.commit, weight: func(int) int { return 1 }}
}

// callers make calls at the same time and remember how each ended.
type callers struct {
	wait sync.WaitGroup
	mu   sync.Mutex
	ends map[int]error
}

func (c *callers) call(ctx context.Context, t *testing.T, g *groupCommit[int, int], numbers ...int) {
	for _, n := range numbers {
		c.wait.Go(func() {
			got, err := g.do(ctx, n)
			if err == nil && got != -n {
				t.Errorf("call %d got the result of %d", n, -got)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.ends == nil {
				c.ends = make(map[int]error)
			}
			c.ends[n] = err
		})
	}
	synctest.Wait() // they are all where they wait
}

// settled waits for the ends of all calls, in which the work must end too: a
// goroutine that stayed would make synctest fail the test.
func (c *callers) settled() map[int]error {
	c.wait.Wait()
	return c.ends
}

func to(first, last int) []int {
	var numbers []int
	for n := first; n <= last; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}

func expectCommits(t *testing.T, d *disk, want ...[]int) {
	t.Helper()
	if !slices.EqualFunc(d.commits, want, slices.Equal) {
		t.Errorf("committed %v, want %v", d.commits, want)
	}
}

func expectEnds(t *testing.T, ends map[int]error, ok func(n int, err error) bool) {
	t.Helper()
	for n, err := range ends {
		if !ok(n, err) {
			t.Errorf("call %d ended with %v", n, err)
		}
	}
}

func allSucceed(_ int, err error) bool { return err == nil }

func TestCallsDuringACommitShareTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d disk
		var c callers
		g, begin := d.group(), time.Now()
		c.call(t.Context(), t, g, 1)
		time.Sleep(time.Second / 2)
		c.call(t.Context(), t, g, to(2, 11)...)
		expectEnds(t, c.settled(), allSucceed)
		expectCommits(t, &d, to(1, 1), to(2, 11))
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("two commits of a second each took %s", took)
		}
	})
}

func TestALoneCallWaitsForItsCommitOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d disk
		g := d.group()
		for n := range 3 {
			begin := time.Now()
			if _, err := g.do(t.Context(), n); err != nil {
				t.Error(err)
			}
			if took := time.Since(begin); took != time.Second {
				t.Errorf("a commit of a second took %s", took)
			}
		}
	})
}

func TestABadCallFailsAlone(t *testing.T) {
	t.Parallel()
	errBad := errors.New("bad")
	for name, bad := range map[string]func() error{
		"an error": func() error { return errBad },
		"a panic":  func() error { panic("bad") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var c callers
				d := disk{reject: func(in []int) error {
					if slices.Contains(in, 5) {
						return bad()
					}
					return nil
				}}
				g := d.group()
				c.call(t.Context(), t, g, 1)
				c.call(t.Context(), t, g, to(2, 9)...)
				expectEnds(t, c.settled(), func(n int, err error) bool {
					return (err != nil) == (n == 5) && !fault.Is(err, fault.Unavailable)
				})
			})
		})
	}
}

func TestNobodyTriesAloneWhereTheDatabaseIsOutOfReach(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c callers
		d := disk{reject: func([]int) error { return fault.New(fault.Unavailable, "gone") }}
		g := d.group()
		c.call(t.Context(), t, g, 1)
		c.call(t.Context(), t, g, to(2, 9)...)
		expectEnds(t, c.settled(), func(_ int, err error) bool { return fault.Is(err, fault.Unavailable) })
		expectCommits(t, &d, to(1, 1), to(2, 9))
	})
}

func TestADatabaseLostWhileTheBadCallIsSoughtIsNotTriedForEachCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d disk
		var c callers
		d.reject = func(in []int) error {
			switch {
			case len(d.commits) > 3:
				return fault.New(fault.Unavailable, "gone")
			case slices.Contains(in, 2):
				return errors.New("bad")
			}
			return nil
		}
		g := d.group()
		c.call(t.Context(), t, g, 1)
		c.call(t.Context(), t, g, to(2, 65)...)
		expectEnds(t, c.settled(), func(n int, err error) bool { return n == 1 || n == 2 || err == nil || fault.Is(err, fault.Unavailable) })
		if len(d.commits) > 8 {
			t.Errorf("the lost database was tried %d times", len(d.commits)-3)
		}
	})
}

func TestACallGivenUpWhileItWaitsIsNotMade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d disk
		var c callers
		g := d.group()
		c.call(t.Context(), t, g, 1)
		impatient, giveUp := context.WithCancel(t.Context())
		c.call(impatient, t, g, 2)
		c.call(t.Context(), t, g, 3)
		giveUp()
		expectEnds(t, c.settled(), func(n int, err error) bool { return errors.Is(err, context.Canceled) == (n == 2) })
		expectCommits(t, &d, to(1, 1), to(3, 3))
	})
}

func TestACallGivenUpDuringItsCommitCostsTheOthersNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d disk
		var c callers
		g := d.group()
		impatient, giveUp := context.WithCancel(t.Context())
		c.call(impatient, t, g, 1) // it commits, and so learns what came of it
		c.call(impatient, t, g, 2)
		c.call(t.Context(), t, g, 3)
		time.Sleep(3 * time.Second / 2) // the second commit is under way
		giveUp()
		expectEnds(t, c.settled(), func(n int, err error) bool { return errors.Is(err, context.Canceled) == (n == 2) })
		if got := d.stored(); !slices.Equal(got, to(1, 3)) {
			t.Errorf("stored %v, want a whole trace of what was given up", got)
		}
	})
}

func TestWhoCommitsLearnsTheResultEvenAfterGivingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d disk
		var c callers
		g := d.group()
		impatient, giveUp := context.WithCancel(t.Context())
		c.call(impatient, t, g, 1)
		c.call(t.Context(), t, g, 2)
		giveUp()
		expectEnds(t, c.settled(), func(_ int, err error) bool { return err == nil })
		expectCommits(t, &d, to(1, 1), to(2, 2))
	})
}

func TestACallWhoseCallerHasAllTheTimeEndsNevertheless(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &groupCommit[int, int]{
			weight: func(int) int { return 1 },
			commit: func(ctx context.Context, _ []int) ([]int, error) {
				<-ctx.Done()
				return nil, translate(ctx.Err())
			},
		}
		if _, err := g.do(context.Background(), 1); !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v, want unavailable", err)
		}
	})
}

func TestWeightBoundsWhatGoesTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d disk
		var c callers
		g := d.group()
		g.weight = func(n int) int { return n }
		c.call(t.Context(), t, g, 1)
		c.call(t.Context(), t, g, maxTogether-2)
		c.call(t.Context(), t, g, 2)
		c.call(t.Context(), t, g, 3)
		c.call(t.Context(), t, g, maxTogether+1)
		expectEnds(t, c.settled(), allSucceed)
		expectCommits(t, &d, to(1, 1), []int{2, maxTogether - 2}, to(3, 3), []int{maxTogether + 1})
	})
}

func TestWhoComesOnTopOfAFullQueueIsToldAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d disk
		var c callers
		g := d.group()
		g.weight = func(n int) int { return n }
		c.call(t.Context(), t, g, 1)
		c.call(t.Context(), t, g, maxQueued)
		if _, err := g.do(t.Context(), 2); !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v, want unavailable", err)
		}
		expectEnds(t, c.settled(), allSucceed)
		if _, err := g.do(t.Context(), 3); err != nil {
			t.Errorf("after the queue was emptied: %v", err)
		}
	})
}

func TestAsManyCommitsAreUnderWayAsMayBe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d disk
		var c callers
		var one sync.Mutex
		g, begin := d.group(), time.Now()
		g.atOnce = 2
		g.commit = func(_ context.Context, in []int) ([]int, error) {
			time.Sleep(time.Second)
			one.Lock()
			defer one.Unlock()
			d.commits = append(d.commits, slices.Sorted(slices.Values(in)))
			return []int{-in[0], -in[len(in)-1]}[:len(in)], nil
		}
		for n := range 2 {
			c.call(t.Context(), t, g, n+1)
			time.Sleep(time.Second / 4)
		}
		c.call(t.Context(), t, g, 3)
		c.call(t.Context(), t, g, 4)
		expectEnds(t, c.settled(), allSucceed)
		expectCommits(t, &d, to(1, 1), to(2, 2), to(3, 4))
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("it took %s", took)
		}
		synctest.Wait()
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.working != 0 {
			t.Errorf("%d are at work still", g.working)
		}
	})
}
