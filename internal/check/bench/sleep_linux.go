package main

import (
	"syscall"
	"time"
)

// sleep is accurate to a tenth of a millisecond. time.Sleep can return up to a
// millisecond late while the program is otherwise idle.
func sleep(d time.Duration) {
	if d > 0 {
		remaining := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&remaining, nil) // a signal may end it early, which does not matter here
	}
}
