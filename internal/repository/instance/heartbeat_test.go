package instance_test

import (
	"fmt"
	"testing"
	"time"

	"aisha/internal/check/testdb"
	"aisha/internal/fault"
	"aisha/internal/repository/instance"
)

func TestLocks_Heartbeat(t *testing.T) {
	t.Parallel()
	// The session ends on the server, which this instance does not notice.
	t.Run("notices_that_the_locks_are_lost", func(t *testing.T) {
		t.Parallel()
		pool := open(t)
		locks := newLocks(t, pool, "a")
		held, err := locks.TryLock(t.Context(), 7)
		if err != nil {
			t.Fatalf("TryLock: %v", err)
		}
		defer held.UnlockAndCheck()
		if n := endSessions(t, pool); n != 1 {
			t.Fatalf("ended %d sessions, want 1", n)
		}
		if err := locks.Heartbeat(t.Context()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("the first heartbeat after the loss: got error %v, want %v", err, fault.Unavailable)
		}
		if held.Context().Err() == nil {
			t.Error("the context of the lost lock did not end")
		}
		if err := locks.Heartbeat(t.Context()); err != nil {
			t.Errorf("the second heartbeat after the loss: %v", err)
		}
	})
	t.Run("unreachable_database", func(t *testing.T) {
		t.Parallel()
		if err := newLocks(t, testdb.Connect(t, unreachableURL(t)), "a").Heartbeat(t.Context()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("Heartbeat = %v, want %v", err, fault.Unavailable)
		}
	})
	// A standby grants advisory locks too, so two instances could hold the same.
	t.Run("read_only_server", func(t *testing.T) {
		t.Parallel()
		pool := testdb.Connect(t, testdb.Empty(t)+"&default_transaction_read_only=on")
		if err := newLocks(t, pool, "a").Heartbeat(t.Context()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("Heartbeat = %v, want %v", err, fault.Unavailable)
		}
	})
}

func TestLocks_Count(t *testing.T) {
	t.Parallel()
	pool := open(t)
	var instances []*instance.Locks
	for n := range 3 {
		locks := newLocks(t, pool, fmt.Sprint(n))
		if err := locks.Heartbeat(t.Context()); err != nil {
			t.Fatalf("Heartbeat: %v", err)
		}
		instances = append(instances, locks)
	}
	if n, err := instances[0].Count(t.Context()); err != nil || n != 3 {
		t.Errorf("Count: got %d, %v; want 3", n, err)
	}
	// The server notices the end of a connection a little later.
	if err := instances[2].Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		n, err := instances[0].Count(t.Context())
		if err == nil && n == 2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("Count after one closed: got %d, %v; want 2", n, err)
		}
	}
}

func TestLocks_Count_unreachable(t *testing.T) {
	t.Parallel()
	if _, err := newLocks(t, testdb.Connect(t, unreachableURL(t)), "a").Count(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("Count = %v, want %v", err, fault.Unavailable)
	}
}
