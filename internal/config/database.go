package config

import (
	"regexp"
	"strings"

	"aisha/internal/sensitive"
)

const (
	encodePassword = "in the user name, the password and the rest of the URL, write @ as %40, / as %2F, % as %25 and a space as %20; " +
		"only the @ before the host stays"
	quotePassword = "must be a list of keyword=value; put a value that contains a space in 'single quotes', " +
		"and write ' as \\' and \\ as \\\\"
)

// database parses a connection string. The driver checks the rest when the pool is
// opened. This check finds reserved characters in a password: the driver would
// take what follows them for the name of a host or a database, and would log it.
func (p *parser) database(s setting) sensitive.Secret {
	scheme, rest, isURL := strings.Cut(s.value, "://")
	switch {
	case s.value == "":
	case isURL && (scheme == "postgres" || scheme == "postgresql") && rest != "":
		if hasReservedCharacter(rest) {
			p.reject(s.name, encodePassword)
		}
	case !regexp.MustCompile(`^\w+\s*=`).MatchString(s.value):
		p.reject(s.name, "must be a PostgreSQL connection string such as postgres://user:password@localhost:5432/aisha")
	case !isKeywordList(s.value):
		p.reject(s.name, quotePassword)
	}
	return p.secret(s)
}

// hasReservedCharacter reports whether the part of a URL after :// contains a
// character that must be percent-encoded. Only one @ is allowed, before the first
// slash. The driver accepts other reserved characters in a password, such as # and
// ?, because it takes everything before that @ for the user and the password.
func hasReservedCharacter(rest string) bool {
	_, afterUser, hasUser := strings.Cut(rest, "@")
	slash := strings.IndexByte(rest, '/')
	return strings.Contains(afterUser, "@") ||
		hasUser && slash >= 0 && slash < strings.IndexByte(rest, '@') ||
		strings.Contains(rest, " ") ||
		strings.Count(rest, "%") != len(regexp.MustCompile(`%[0-9A-Fa-f]{2}`).FindAllString(rest, -1))
}

// isKeywordList reports whether the value is a list of keyword=value, as libpq
// defines it.
func isKeywordList(value string) bool {
	return regexp.MustCompile(`^\s*(\w[\w.]*\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^'\s\\]|\\.)(?:[^\s\\]|\\.)*)?(\s+|$))*$`).MatchString(value)
}
