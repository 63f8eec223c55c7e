package groupcommit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/fault"
	"aisha/internal/repository/postgres"
)

// fakeStore stores numbers. Each commit takes one second of the fake clock of
// synctest. Commits never overlap unless a test allows it, so there is no mutex;
// the race detector checks that.
type fakeStore struct {
	commits [][]int
	reject  func([]int) error // nil: everything is stored
}

func (s *fakeStore) commit(_ context.Context, in []int) ([]int, error) {
	s.commits = append(s.commits, sorted(in))
	time.Sleep(time.Second)
	if s.reject != nil {
		if err := s.reject(in); err != nil {
			return nil, err
		}
	}
	out := make([]int, len(in))
	for i, n := range in {
		out[i] = -n
	}
	return out, nil
}

// stored returns the numbers of the commits that succeeded, in their order.
func (s *fakeStore) stored() []int {
	var all []int
	for _, in := range s.commits {
		if s.reject == nil || s.reject(in) == nil {
			all = append(all, in...)
		}
	}
	return all
}

func (s *fakeStore) batcher() *Batcher[int, int] { return New(s.commit, Options[int]{}) }

// heavyBatcher weighs each number with itself.
func (s *fakeStore) heavyBatcher() *Batcher[int, int] {
	return New(s.commit, Options[int]{Weight: func(n int) int { return n }})
}

// callers makes concurrent calls and collects their errors.
type callers struct {
	group  sync.WaitGroup
	mu     sync.Mutex
	errors map[int]error // by number
}

// call starts one call of Do for each number, and returns when all of them wait.
func (c *callers) call(ctx context.Context, t *testing.T, b *Batcher[int, int], numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		c.group.Go(func() {
			got, err := b.Do(ctx, n)
			if err == nil && got != -n {
				t.Errorf("Do(%d) = %d, want %d", n, got, -n)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.errors == nil {
				c.errors = make(map[int]error)
			}
			c.errors[n] = err
		})
	}
	synctest.Wait()
}

// wait returns the errors of all calls after they returned. A goroutine of the
// batcher that does not end makes synctest fail the test.
func (c *callers) wait() map[int]error {
	c.group.Wait()
	return c.errors
}

func numbers(first, last int) []int {
	var all []int
	for n := first; n <= last; n++ {
		all = append(all, n)
	}
	return all
}

func sorted(in []int) []int { return slices.Sorted(slices.Values(in)) }

func wantCommits(t *testing.T, s *fakeStore, want ...[]int) {
	t.Helper()
	if diff := cmp.Diff(want, s.commits); diff != "" {
		t.Errorf("commits (-want +got):\n%s", diff)
	}
}

// wantErrors checks the error of every call. The function want returns whether
// it is the right one.
func wantErrors(t *testing.T, got map[int]error, want func(n int, err error) bool) {
	t.Helper()
	for n, err := range got {
		if !want(n, err) {
			t.Errorf("Do(%d): unexpected error %v", n, err)
		}
	}
}

func isNil(_ int, err error) bool { return err == nil }

// run runs a subtest with a fake clock.
func run(t *testing.T, name string, test func(*testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, test)
	})
}

func TestBatcher_Do(t *testing.T) {
	t.Parallel()
	run(t, "calls_during_a_commit_share_the_next_one", func(t *testing.T) {
		var s fakeStore
		var c callers
		b, start := s.batcher(), time.Now()
		c.call(t.Context(), t, b, 1)
		time.Sleep(time.Second / 2)
		c.call(t.Context(), t, b, numbers(2, 11)...)
		wantErrors(t, c.wait(), isNil)
		wantCommits(t, &s, []int{1}, numbers(2, 11))
		if got := time.Since(start); got != 2*time.Second {
			t.Errorf("two commits took %s, want 2s", got)
		}
	})
	run(t, "lone_call_waits_only_for_its_commit", func(t *testing.T) {
		var s fakeStore
		b := s.batcher()
		for n := range 3 {
			start := time.Now()
			if _, err := b.Do(t.Context(), n); err != nil {
				t.Errorf("Do(%d): %v", n, err)
			}
			if got := time.Since(start); got != time.Second {
				t.Errorf("Do(%d) took %s, want 1s", n, got)
			}
		}
	})
	run(t, "call_without_deadline_times_out", func(t *testing.T) {
		b := New(func(ctx context.Context, _ []int) ([]int, error) {
			<-ctx.Done()
			return nil, postgres.Translate(ctx.Err())
		}, Options[int]{})
		start := time.Now()
		if _, err := b.Do(context.Background(), 1); !fault.Is(err, fault.Unavailable) {
			t.Errorf("Do: got error %v, want %v", err, fault.Unavailable)
		}
		if got := time.Since(start); got != postgres.CallTimeout {
			t.Errorf("Do took %s, want %s", got, postgres.CallTimeout)
		}
	})
	run(t, "order_sorts_the_calls_of_a_commit", func(t *testing.T) {
		var s fakeStore
		var got [][]int
		commit := func(ctx context.Context, in []int) ([]int, error) {
			got = append(got, slices.Clone(in))
			return s.commit(ctx, in)
		}
		b := New(commit, Options[int]{Order: func(x, y int) int { return y - x }})
		var c callers
		for n := 1; n <= 4; n++ {
			c.call(t.Context(), t, b, n)
		}
		wantErrors(t, c.wait(), isNil)
		if diff := cmp.Diff([][]int{{1}, {4, 3, 2}}, got); diff != "" {
			t.Errorf("order of the inputs (-want +got):\n%s", diff)
		}
	})
}

func TestBatcher_Do_failedCommit(t *testing.T) {
	t.Parallel()
	errBad := errors.New("bad")
	for name, fail := range map[string]func() error{
		"input_with_an_error_fails_alone": func() error { return errBad },
		"input_that_panics_fails_alone":   func() error { panic("bad") },
	} {
		run(t, name, func(t *testing.T) {
			var c callers
			s := fakeStore{reject: func(in []int) error {
				if slices.Contains(in, 5) {
					return fail()
				}
				return nil
			}}
			b := s.batcher()
			c.call(t.Context(), t, b, 1)
			c.call(t.Context(), t, b, numbers(2, 9)...)
			wantErrors(t, c.wait(), func(n int, err error) bool {
				return (err != nil) == (n == 5) && !fault.Is(err, fault.Unavailable)
			})
			if err := c.errors[5]; !errors.Is(err, errBad) && !errors.Is(err, ErrPanic) {
				t.Errorf("Do(5): got error %v, want %v or %v", err, errBad, ErrPanic)
			}
		})
	}
	run(t, "unreachable_database_is_not_tried_for_each_call", func(t *testing.T) {
		var c callers
		s := fakeStore{reject: func([]int) error { return fault.New(fault.Unavailable, "unreachable") }}
		b := s.batcher()
		c.call(t.Context(), t, b, 1)
		c.call(t.Context(), t, b, numbers(2, 9)...)
		wantErrors(t, c.wait(), func(_ int, err error) bool { return fault.Is(err, fault.Unavailable) })
		wantCommits(t, &s, []int{1}, numbers(2, 9))
	})
	run(t, "database_lost_while_halving_is_not_tried_for_each_call", func(t *testing.T) {
		var s fakeStore
		var c callers
		s.reject = func(in []int) error {
			switch {
			case len(s.commits) > 3:
				return fault.New(fault.Unavailable, "unreachable")
			case slices.Contains(in, 2):
				return errBad
			}
			return nil
		}
		b := s.batcher()
		c.call(t.Context(), t, b, 1)
		c.call(t.Context(), t, b, numbers(2, 65)...)
		wantErrors(t, c.wait(), func(n int, err error) bool {
			return n == 1 || n == 2 || err == nil || fault.Is(err, fault.Unavailable)
		})
		if got := len(s.commits); got > 8 {
			t.Errorf("%d commits, want at most 8", got)
		}
	})
	run(t, "conflict_is_tried_with_each_half", func(t *testing.T) {
		var c callers
		s := fakeStore{reject: func(in []int) error {
			if len(in) > 1 {
				return postgres.Translate(postgres.ErrRetry)
			}
			return nil
		}}
		b := s.batcher()
		c.call(t.Context(), t, b, 1)
		c.call(t.Context(), t, b, numbers(2, 5)...)
		wantErrors(t, c.wait(), isNil)
		if diff := cmp.Diff(numbers(1, 5), sorted(s.stored())); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
	})
}

func TestBatcher_Do_cancelledCall(t *testing.T) {
	t.Parallel()
	run(t, "waiting_call_is_not_committed", func(t *testing.T) {
		var s fakeStore
		var c callers
		b := s.batcher()
		c.call(t.Context(), t, b, 1)
		ctx, cancel := context.WithCancel(t.Context())
		c.call(ctx, t, b, 2)
		c.call(t.Context(), t, b, 3)
		cancel()
		wantErrors(t, c.wait(), func(n int, err error) bool { return errors.Is(err, context.Canceled) == (n == 2) })
		wantCommits(t, &s, []int{1}, []int{3})
	})
	run(t, "call_in_a_running_commit_is_stored_whole", func(t *testing.T) {
		var s fakeStore
		var c callers
		b := s.batcher()
		ctx, cancel := context.WithCancel(t.Context())
		c.call(ctx, t, b, 1) // runs the first commit itself, so it gets the result
		c.call(ctx, t, b, 2)
		c.call(t.Context(), t, b, 3)
		time.Sleep(3 * time.Second / 2) // the second commit runs
		cancel()
		wantErrors(t, c.wait(), func(n int, err error) bool { return errors.Is(err, context.Canceled) == (n == 2) })
		if got := s.stored(); !slices.Equal(got, numbers(1, 3)) {
			t.Errorf("stored %v, want %v", got, numbers(1, 3))
		}
	})
	run(t, "committing_call_gets_its_result", func(t *testing.T) {
		var s fakeStore
		var c callers
		b := s.batcher()
		ctx, cancel := context.WithCancel(t.Context())
		c.call(ctx, t, b, 1)
		c.call(t.Context(), t, b, 2)
		cancel()
		wantErrors(t, c.wait(), isNil)
		wantCommits(t, &s, []int{1}, []int{2})
	})
}

func TestBatcher_Do_limits(t *testing.T) {
	t.Parallel()
	run(t, "weight_limits_a_commit", func(t *testing.T) {
		var s fakeStore
		var c callers
		b := s.heavyBatcher()
		for _, n := range []int{1, maxCommitWeight - 2, 2, 3, maxCommitWeight + 1} {
			c.call(t.Context(), t, b, n)
		}
		wantErrors(t, c.wait(), isNil)
		wantCommits(t, &s, []int{1}, []int{2, maxCommitWeight - 2}, []int{3}, []int{maxCommitWeight + 1})
	})
	run(t, "call_beyond_a_full_queue_is_refused_at_once", func(t *testing.T) {
		var s fakeStore
		var c callers
		b := s.heavyBatcher()
		c.call(t.Context(), t, b, 1)
		c.call(t.Context(), t, b, maxQueuedWeight)
		start := time.Now()
		if _, err := b.Do(t.Context(), 2); !fault.Is(err, fault.Unavailable) {
			t.Errorf("Do: got error %v, want %v", err, fault.Unavailable)
		}
		if got := time.Since(start); got != 0 {
			t.Errorf("the refusal took %s, want 0s", got)
		}
		wantErrors(t, c.wait(), isNil)
		if _, err := b.Do(t.Context(), 3); err != nil {
			t.Errorf("Do after the queue was emptied: %v", err)
		}
	})
	run(t, "parallel_commits", func(t *testing.T) {
		var s fakeStore
		var c callers
		var mu sync.Mutex
		start := time.Now()
		b := New(func(_ context.Context, in []int) ([]int, error) {
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			s.commits = append(s.commits, sorted(in))
			return []int{-in[0], -in[len(in)-1]}[:len(in)], nil
		}, Options[int]{Parallel: 2})
		for n := range 2 {
			c.call(t.Context(), t, b, n+1)
			time.Sleep(time.Second / 4)
		}
		c.call(t.Context(), t, b, 3)
		c.call(t.Context(), t, b, 4)
		wantErrors(t, c.wait(), isNil)
		wantCommits(t, &s, []int{1}, []int{2}, []int{3, 4})
		if got := time.Since(start); got != 2*time.Second {
			t.Errorf("took %s, want 2s", got)
		}
		synctest.Wait()
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.running != 0 {
			t.Errorf("%d commits are counted as running, want 0", b.running)
		}
	})
}

func TestBatcher_Waiting(t *testing.T) {
	t.Parallel()
	run(t, "counts_calls_that_wait_for_the_next_commit", func(t *testing.T) {
		var s fakeStore
		var c callers
		b := s.batcher()
		for i, want := range []int{0, 1, 2} {
			c.call(t.Context(), t, b, i+1)
			if got := b.Waiting(); got != want {
				t.Errorf("after %d calls: %d wait, want %d", i+1, got, want)
			}
		}
		wantErrors(t, c.wait(), isNil)
		if got := b.Waiting(); got != 0 {
			t.Errorf("after all commits: %d wait, want 0", got)
		}
	})
}
