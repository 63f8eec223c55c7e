package webhook

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// scalar is a JSON value that Meta sends sometimes as a string and sometimes as
// a number. Any other value (null, an object, a list) is decoded as empty, so
// that one member of an unexpected type does not fail the whole item.
type scalar string

// UnmarshalJSON implements json.Unmarshaler.
func (s *scalar) UnmarshalJSON(raw []byte) error {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return nil
	}
	switch c := raw[0]; {
	case c == '"' && isUnescaped(raw[1:len(raw)-1]):
		*s = scalar(raw[1 : len(raw)-1])
	case c == '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		*s = scalar(text)
	case c == '-' || c >= '0' && c <= '9':
		*s = scalar(raw)
	}
	return nil
}

// isUnescaped reports whether the content of a JSON string needs no decoding.
func isUnescaped(content []byte) bool {
	return bytes.IndexByte(content, '\\') < 0 && utf8.Valid(content)
}

// text returns the value as text that PostgreSQL can store: it rejects NUL.
func (s scalar) text() string { return replaceNUL(string(s)) }

func replaceNUL(text string) string {
	return strings.ReplaceAll(text, "\x00", "\uFFFD")
}

// maxID limits an id, in bytes. Meta's ids have less than a hundred bytes, and
// PostgreSQL cannot index values of several thousand.
const maxID = 512

// isID reports whether the value can be an id.
func (s scalar) isID() bool { return s != "" && len(s) <= maxID }

// int returns the number, or 0 where the value is not one that fits 32 bits.
func (s scalar) int() int {
	n, err := strconv.ParseInt(string(s), 10, 32)
	if err != nil {
		return 0
	}
	return int(n)
}

// clockSkew is how far a plausible timestamp may lie before the oldest possible
// retry, or after the local time.
const clockSkew = 24 * time.Hour

// time reads Unix seconds. An implausible timestamp is replaced by now.
func (s scalar) time() time.Time {
	seconds, err := strconv.ParseInt(string(s), 10, 64)
	now := time.Now()
	oldest, newest := now.Add(-RetryPeriod-clockSkew), now.Add(clockSkew)
	if t := time.Unix(seconds, 0); err == nil && t.After(oldest) && t.Before(newest) {
		return t
	}
	return now
}

// hour returns the hour of Unix seconds in UTC. Text that is not a timestamp of
// the years 1970 to 9999 gives the first hour of 1970.
func (s scalar) hour() time.Time {
	const endOf9999 = 253402300799 // the last second, in Unix time
	seconds, err := strconv.ParseInt(string(s), 10, 64)
	if err != nil || seconds < 0 || seconds > endOf9999 {
		seconds = 0
	}
	return time.Unix(seconds, 0).UTC().Truncate(time.Hour)
}
