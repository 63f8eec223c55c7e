package wire

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// hasLoneSurrogate reports whether a JSON string contains an escaped half of a
// surrogate pair, which JSON decoders silently replace with U+FFFD. raw is the
// encoded string and must be valid JSON.
func hasLoneSurrogate(raw string) bool {
	for at := strings.IndexByte(raw, '\\'); at >= 0; at = strings.IndexByte(raw, '\\') {
		first, escaped := escapedUnit(raw[at:])
		if !escaped {
			raw = raw[at+2:] // skip the escaped character, which may be a backslash
			continue
		}
		raw = raw[at+unitLength:]
		if !utf16.IsSurrogate(first) {
			continue
		}
		if second, _ := escapedUnit(raw); utf16.DecodeRune(first, second) == utf8.RuneError {
			return true
		}
		raw = raw[unitLength:]
	}
	return false
}

const unitLength = len(`\u0000`)

// escapedUnit returns the UTF-16 code unit of the \u escape at the start of
// raw, if there is one.
func escapedUnit(raw string) (unit rune, escaped bool) {
	if len(raw) < unitLength || raw[:2] != `\u` {
		return 0, false
	}
	n, err := strconv.ParseUint(raw[2:unitLength], 16, 16)
	return rune(n), err == nil
}
