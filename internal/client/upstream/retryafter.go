package upstream

import (
	"net/http"
	"strconv"
	"time"
)

// MaxRetryAfter limits the delays that an API asks for.
const MaxRetryAfter = time.Hour

// RetryAfter reads both forms of the Retry-After header, seconds and a date. It
// returns at most MaxRetryAfter, and zero for a header that it cannot read.
func RetryAfter(header http.Header) time.Duration {
	var wait time.Duration
	value := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		wait = time.Duration(min(seconds, int(MaxRetryAfter/time.Second))) * time.Second
	} else if date, err := http.ParseTime(value); err == nil {
		wait = time.Until(date)
	}
	return max(0, min(wait, MaxRetryAfter))
}
