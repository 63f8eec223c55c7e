package config

import (
	"fmt"
	"strings"
)

const byteOrderMark = "\uFEFF"

// clean removes a byte order mark and the space around a value, and the quotes
// around the whole value. Quotes that a shell or a .env file would remove reach
// the program when `docker run --env-file` or systemd passes them on.
func (p *parser) clean(name, value string) string {
	value = strings.TrimSpace(strings.TrimPrefix(value, byteOrderMark))
	unquoted, quoted := unquote(value)
	if quoted {
		p.warn(fmt.Sprintf("%s is in quotes: they are removed. Write the value without quotes", name))
	}
	return unquoted
}

// isBlank reports whether nothing is left of a value after clean.
func isBlank(value string) bool {
	unquoted, _ := unquote(strings.TrimSpace(strings.TrimPrefix(value, byteOrderMark)))
	return unquoted == ""
}

// unquote removes the quotes around a value, unless the value contains the same
// quote again, and reports whether it did.
func unquote(value string) (string, bool) {
	if len(value) < 2 || value[0] != value[len(value)-1] || value[0] != '\'' && value[0] != '"' {
		return value, false
	}
	inner := value[1 : len(value)-1]
	if strings.ContainsRune(inner, rune(value[0])) {
		return value, false
	}
	return strings.TrimSpace(inner), true
}
