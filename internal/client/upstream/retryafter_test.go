package upstream

import (
	"net/http"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	tests := map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"soon":                          0,
		"1.5":                           0,
		"999999":                        time.Hour,
		"9223372036854775807":           time.Hour,
		"99999999999999999999":          0,
		"Wed, 21 Oct 2015 07:28:00 GMT": 0,
		"Fri, 31 Dec 9999 23:59:59 GMT": time.Hour,
	}
	for value, want := range tests {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			if got := RetryAfter(http.Header{"Retry-After": {value}}); got != want {
				t.Errorf("RetryAfter(%q) = %v, want %v", value, got, want)
			}
		})
	}
	t.Run("date_within_the_hour", func(t *testing.T) {
		t.Parallel()
		value := time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat)
		if got := RetryAfter(http.Header{"Retry-After": {value}}); got <= 0 || got > 10*time.Minute {
			t.Errorf("RetryAfter(%q) = %v, want more than 0 and at most 10m", value, got)
		}
	})
}
