package main

import (
	"syscall"
	"time"
)

// pause is a time.Sleep that is exact to a tenth of a millisecond; Go's own is
// late by up to a whole one while nothing else goes on.
func pause(d time.Duration) {
	if d > 0 {
		rest := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&rest, nil) // a signal cuts it short, which is no harm
	}
}
