package instance_test

import (
	"testing"
	"time"
)

func TestLocks_ConnectedFor(t *testing.T) {
	t.Parallel()
	pool := open(t)
	locks := newLocks(t, pool, "a")
	if got := locks.ConnectedFor(); got != 0 {
		t.Errorf("before the first connection: %s, want 0s", got)
	}
	if err := locks.Heartbeat(t.Context()); err != nil {
		t.Fatalf("Heartbeat: %v", err)
	}
	const moment = 50 * time.Millisecond
	await(t, "the connection has existed for a moment", func() bool { return locks.ConnectedFor() > moment })
	if err := locks.Heartbeat(t.Context()); err != nil || locks.ConnectedFor() < moment {
		t.Errorf("after another heartbeat: %s, %v; want at least %s", locks.ConnectedFor(), err, moment)
	}
	lost := time.Now()
	if n := endSessions(t, pool); n != 1 {
		t.Fatalf("ended %d sessions, want 1", n)
	}
	await(t, "the instance is connected again", func() bool { return locks.Heartbeat(t.Context()) == nil })
	if got, atMost := locks.ConnectedFor(), time.Since(lost); got > atMost {
		t.Errorf("after the connection was lost: %s, want at most %s", got, atMost)
	}
}

func TestLocks_Name(t *testing.T) {
	t.Parallel()
	if got := newLocks(t, open(t), "a").Name(); got != "a" {
		t.Errorf("Name = %q, want %q", got, "a")
	}
}

func TestLocks_Close(t *testing.T) {
	t.Parallel()
	t.Run("ends_the_context_of_a_lock_and_releases_it", func(t *testing.T) {
		t.Parallel()
		pool := open(t)
		a, b := newLocks(t, pool, "a"), newLocks(t, pool, "b")
		held, err := a.TryLock(t.Context(), 7)
		if err != nil {
			t.Fatalf("TryLock: %v", err)
		}
		closeLocks(t, a)
		select {
		case <-held.Context().Done():
		case <-time.After(10 * time.Second):
			t.Fatal("the context of the lost lock did not end")
		}
		// The server notices the end of a connection a little later.
		for deadline := time.Now().Add(10 * time.Second); ; {
			lock, err := b.TryLock(t.Context(), 7)
			if err == nil {
				lock.UnlockAndCheck()
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("TryLock by another instance: %v", err)
			}
		}
	})
	t.Run("may_be_called_twice_and_without_a_connection", func(t *testing.T) {
		t.Parallel()
		locks := newLocks(t, open(t), "a")
		closeLocks(t, locks)
		closeLocks(t, locks)
	})
}
