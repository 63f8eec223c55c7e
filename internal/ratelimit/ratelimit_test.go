package ratelimit_test

import (
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"aisha/internal/ratelimit"
)

func TestLimiter_Take(t *testing.T) {
	t.Parallel()
	l := ratelimit.New(ratelimit.Rate{Requests: 3, Window: time.Hour})
	for i, want := range []bool{true, true, true, false, false} {
		if got := l.Take("a"); got != want {
			t.Errorf("request %d of a: got %t, want %t", i, got, want)
		}
	}
	if !l.Take("b") {
		t.Error("first request of b: got false, want true")
	}
}

func TestLimiter_Allows(t *testing.T) {
	t.Parallel()
	l := ratelimit.New(ratelimit.Rate{Requests: 1, Window: time.Hour})
	for range 2 {
		if !l.Allows("a") {
			t.Error("before Take: got false, want true however often it is called")
		}
	}
	l.Take("a")
	if l.Allows("a") {
		t.Error("after Take: got true, want false")
	}
}

func TestLimiter_Return(t *testing.T) {
	t.Parallel()
	l := ratelimit.New(ratelimit.Rate{Requests: 1, Window: time.Hour})
	for range 3 {
		if !l.Take("a") {
			t.Error("after Return: got false, want true")
		}
		l.Return("a")
	}
	l.Return("a") // more often than Take
	if l.Take("a"); l.Take("a") {
		t.Error("got two requests after a Return without a Take, want one")
	}
}

func TestLimiter_SlidingWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := ratelimit.New(ratelimit.Rate{Requests: 10, Window: time.Minute})
		take := func() (taken int) {
			for range 20 {
				if l.Take("a") {
					taken++
				}
			}
			return taken
		}
		for _, tt := range []struct {
			wait time.Duration
			want int
		}{
			{0, 10},
			{59 * time.Second, 0},
			{31 * time.Second, 5}, // half of the previous window counts
			{30 * time.Second, 5}, // now the window with 5 is the previous one, and counts in full
			{5 * time.Minute, 10},
		} {
			time.Sleep(tt.wait)
			if got := take(); got != tt.want {
				t.Errorf("after another %v: got %d requests, want %d", tt.wait, got, tt.want)
			}
		}
	})
}

func TestLimiter_NoLimit(t *testing.T) {
	t.Parallel()
	l := ratelimit.New(ratelimit.Rate{})
	for range 1000 {
		if !l.Take("a") || !l.Allows("a") {
			t.Fatal("got false, want true without a limit")
		}
		l.Return("a")
	}
}

// Many keys must neither take up memory nor limit each other.
func TestLimiter_ManyKeys(t *testing.T) {
	const keys, most = 60_000, 4 << 20
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	l := ratelimit.New(ratelimit.Rate{Requests: 5, Window: time.Hour})
	refused := 0
	for i := range keys {
		if !l.Take(strconv.Itoa(i)) {
			refused++
		}
	}
	for i := range 1_000_000 {
		l.Allows(strconv.Itoa(i))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if refused > 3 {
		t.Errorf("%d of %d keys with one request each were refused, want at most 3", refused, keys)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > most {
		t.Errorf("the heap grew by %d KiB, want at most %d KiB", grown>>10, most>>10)
	}
	runtime.KeepAlive(l)
}
