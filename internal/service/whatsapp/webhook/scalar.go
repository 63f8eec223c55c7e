package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
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

// isBlank reports whether the value is absent or only white space.
func (s scalar) isBlank() bool { return strings.TrimSpace(string(s)) == "" }

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

// unixTime reads Unix seconds and reports whether the value is a number. Fractions of
// a second are dropped. A time outside the years 1970 to 9999 becomes the nearest one
// in them, because PostgreSQL and JSON have no later years.
func (s scalar) unixTime() (t time.Time, ok bool) {
	const endOf9999 = 253402300799 // the last second
	seconds, err := strconv.ParseInt(string(s), 10, 64)
	switch {
	case err == nil, errors.Is(err, strconv.ErrRange):
	case strings.Trim(string(s), "0123456789.eE+-") != "": // ParseFloat also reads Inf, NaN and hexadecimal numbers
		return time.Time{}, false
	default:
		number, err := strconv.ParseFloat(string(s), 64)
		if err != nil {
			return time.Time{}, false
		}
		seconds = int64(min(max(number, 0), endOf9999))
	}
	return time.Unix(min(max(seconds, 0), endOf9999), 0), true
}
