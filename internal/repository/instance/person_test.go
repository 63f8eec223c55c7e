package instance_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/repository/instance"
	"aisha/internal/service/whatsapp"
)

func TestLocks_TryLock(t *testing.T) {
	t.Parallel()
	t.Run("one_holder_at_a_time", func(t *testing.T) {
		t.Parallel()
		pool := open(t)
		a, b := newLocks(t, pool, "a"), newLocks(t, pool, "b")
		held, err := a.TryLock(t.Context(), 7)
		if err != nil {
			t.Fatalf("TryLock: %v", err)
		}
		for name, other := range map[string]*instance.Locks{"the same instance": a, "another instance": b} {
			if _, err := other.TryLock(t.Context(), 7); !errors.Is(err, whatsapp.ErrLocked) {
				t.Errorf("TryLock by %s: got error %v, want %v", name, err, whatsapp.ErrLocked)
			}
		}
		if err := held.Context().Err(); err != nil {
			t.Errorf("the context of a held lock ended: %v", err)
		}
		held.UnlockAndCheck()
		lock, err := b.TryLock(t.Context(), 7)
		if err != nil {
			t.Fatalf("TryLock by another instance after the unlock: %v", err)
		}
		lock.UnlockAndCheck()
		if held.Context().Err() == nil {
			t.Error("the context of the holder did not end with the unlock")
		}
	})
	t.Run("persons_do_not_block_each_other", func(t *testing.T) {
		t.Parallel()
		locks := newLocks(t, open(t), "a")
		var group sync.WaitGroup
		for id := range int64(50) {
			group.Go(func() {
				if _, err := locks.TryLock(t.Context(), id+1); err != nil {
					t.Errorf("TryLock(%d): %v", id+1, err)
				}
			})
		}
		group.Wait()
	})
	t.Run("context_ends_with_that_of_the_caller", func(t *testing.T) {
		t.Parallel()
		locks := newLocks(t, open(t), "a")
		ctx, cancel := context.WithCancel(t.Context())
		held, err := locks.TryLock(ctx, 7)
		if err != nil {
			t.Fatalf("TryLock: %v", err)
		}
		cancel()
		if held.Context().Err() == nil {
			t.Error("the context of the lock did not end with the caller's")
		}
		held.UnlockAndCheck()
		if _, err := locks.TryLock(t.Context(), 7); err != nil {
			t.Errorf("TryLock after an unlock with a cancelled context: %v", err)
		}
	})
	t.Run("cancelled_caller_leaves_no_lock", func(t *testing.T) {
		t.Parallel()
		locks := newLocks(t, open(t), "a")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := locks.TryLock(ctx, 7); err == nil {
			t.Error("TryLock with a cancelled context: no error")
		}
		if _, err := locks.TryLock(t.Context(), 7); err != nil {
			t.Errorf("TryLock afterwards: %v", err)
		}
	})
	t.Run("unreachable_database", func(t *testing.T) {
		t.Parallel()
		locks := newLocks(t, testdb.Connect(t, unreachableURL(t)), "a")
		if _, err := locks.TryLock(t.Context(), 7); !fault.Is(err, fault.Unavailable) {
			t.Errorf("TryLock = %v, want %v", err, fault.Unavailable)
		}
	})
}

func TestPersonLock_UnlockAndCheck(t *testing.T) {
	t.Parallel()
	t.Run("reports_whether_work_is_left", func(t *testing.T) {
		t.Parallel()
		locks := newLocks(t, open(t), "a")
		for id, want := range map[int64]bool{7: false, personWithWork: true} {
			lock, err := locks.TryLock(t.Context(), id)
			if err != nil {
				t.Fatalf("TryLock(%d): %v", id, err)
			}
			if got := lock.UnlockAndCheck(); got != want {
				t.Errorf("person %d: UnlockAndCheck = %t, want %t", id, got, want)
			}
		}
	})
	t.Run("lost_lock_is_not_taken_from_its_next_holder", func(t *testing.T) {
		t.Parallel()
		locks := newLocks(t, open(t), "a")
		lost, err := locks.TryLock(t.Context(), 7)
		if err != nil {
			t.Fatalf("TryLock: %v", err)
		}
		closeLocks(t, locks) // the connection is lost
		var next whatsapp.PersonLock
		await(t, "the session has ended on the server", func() bool {
			next, err = locks.TryLock(t.Context(), 7)
			return !errors.Is(err, whatsapp.ErrLocked)
		})
		if err != nil {
			t.Fatalf("TryLock after the loss: %v", err)
		}
		if !lost.UnlockAndCheck() {
			t.Error("UnlockAndCheck of a lost lock = false, want true because other workers may have done anything since")
		}
		if err := next.Context().Err(); err != nil {
			t.Errorf("the lost holder ended the lock of the next one: %v", err)
		}
		if _, err := locks.TryLock(t.Context(), 7); !errors.Is(err, whatsapp.ErrLocked) {
			t.Errorf("TryLock while the next holder has the lock: got error %v, want %v", err, whatsapp.ErrLocked)
		}
		next.UnlockAndCheck()
	})
	t.Run("reports_true_after_the_session_was_ended", func(t *testing.T) {
		t.Parallel()
		pool := open(t)
		locks := newLocks(t, pool, "a")
		held, err := locks.TryLock(t.Context(), 7)
		if err != nil {
			t.Fatalf("TryLock: %v", err)
		}
		if n := endSessions(t, pool); n != 1 {
			t.Fatalf("ended %d sessions, want 1", n)
		}
		if !held.UnlockAndCheck() {
			t.Error("UnlockAndCheck = false, want true because it is unknown what is left")
		}
		if _, err := locks.TryLock(t.Context(), 7); err != nil {
			t.Errorf("TryLock with a new connection: %v", err)
		}
	})
}
