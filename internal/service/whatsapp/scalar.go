package whatsapp

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// scalar is a JSON value that Meta writes now as a string and now as a number.
// Anything else (null, an object, a list) reads as empty, so that one member
// of an odd type does not cost the whole item.
type scalar string

// UnmarshalJSON implements json.Unmarshaler.
func (s *scalar) UnmarshalJSON(raw []byte) error {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return nil
	}
	switch c := raw[0]; {
	case c == '"' && isPlain(raw[1:len(raw)-1]):
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

// isPlain reports whether what stands in a JSON string is the string itself.
func isPlain(quoted []byte) bool {
	return bytes.IndexByte(quoted, '\\') < 0 && utf8.Valid(quoted)
}

func (s scalar) text() string { return clean(string(s)) }

// maxID bounds an id, in bytes. Meta's have less than a hundred, and PostgreSQL
// cannot index one of some thousands.
const maxID = 512

// id reports whether it can be the id of something.
func (s scalar) id() bool { return s != "" && len(s) <= maxID }

// int is the number, or 0 where there is none that 32 bits can hold.
func (s scalar) int() int {
	n, err := strconv.ParseInt(string(s), 10, 32)
	if err != nil {
		return 0
	}
	return int(n)
}

// time reads Unix seconds. A time that cannot be right is now.
func (s scalar) time() time.Time {
	seconds, err := strconv.ParseInt(string(s), 10, 64)
	now := time.Now()
	if t := time.Unix(seconds, 0); err == nil && t.After(now.Add(-retries)) && t.Before(now.Add(skew)) {
		return t
	}
	return now
}

const (
	// retries is how long Meta tries to deliver a webhook, and a day: nothing
	// that comes can be older.
	// https://developers.facebook.com/docs/graph-api/webhooks/getting-started
	retries = 8 * 24 * time.Hour
	skew    = 24 * time.Hour
)

// hour is the hour of Unix seconds, in UTC. What is none, or has a year of more
// than four digits, is the first of all hours.
func (s scalar) hour() time.Time {
	seconds, err := strconv.ParseInt(string(s), 10, 64)
	if err != nil || seconds < 0 || seconds > lastSecond {
		seconds = 0
	}
	return time.Unix(seconds, 0).UTC().Truncate(time.Hour)
}

// lastSecond is that of the year 9999.
const lastSecond = 253402300799

// clean makes text storable: PostgreSQL's text knows no NUL.
func clean(text string) string {
	return strings.ReplaceAll(text, "\x00", "\uFFFD")
}
