package handler

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"aisha/internal/fault"
)

// maxParameter limits the length of a parameter in a URL, in bytes.
const maxParameter = 1024

// query reads the parameters of a URL. Each method reads one of them and records
// its problem; err returns all problems, and names parameters that no method has
// read.
type query struct {
	path    string
	values  url.Values
	read    []string
	invalid []fault.Field
}

// parseQuery returns the parameters of a request.
func parseQuery(r *http.Request) *query {
	values, err := url.ParseQuery(r.URL.RawQuery)
	q := &query{path: r.URL.Path, values: values}
	if err != nil {
		q.reject("query", fault.FieldInvalidValue, "must be percent-encoded correctly")
	}
	return q
}

func (q *query) reject(name string, code fault.FieldCode, message string) {
	q.invalid = append(q.invalid, fault.Field{Name: name, Code: code, Message: message})
}

// text returns a parameter, or "" if it is absent or empty.
func (q *query) text(name string) string {
	q.read = append(q.read, name)
	values := q.values[name]
	if len(values) == 0 {
		return ""
	}
	value := values[0]
	switch {
	case len(values) > 1:
		q.reject(name, fault.FieldInvalidValue, "is given more than once")
	case len(value) > maxParameter:
		q.reject(name, fault.FieldTooLong, fmt.Sprintf("must have at most %d bytes", maxParameter))
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		q.reject(name, fault.FieldNotUnicode, "must be valid UTF-8")
	default:
		return value
	}
	return ""
}

// integer returns an integer from 1 to highest, or otherwise if it is absent.
func (q *query) integer(name string, otherwise, highest int64) int64 {
	text := q.text(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > highest {
		q.reject(name, fault.FieldOutOfRange, fmt.Sprintf("must be an integer from 1 to %d", highest))
	}
	return n
}

// oneOf returns a parameter that has one of the values, or otherwise if it is
// absent.
func (q *query) oneOf(name, otherwise string, values ...string) string {
	text := q.text(name)
	if text == "" {
		return otherwise
	}
	if !slices.Contains(values, text) {
		q.reject(name, fault.FieldInvalidValue, "must be "+strings.Join(values, " or "))
	}
	return text
}

// someOf returns a list, separated by commas, of which each item is one of the
// values.
func (q *query) someOf(name string, values ...string) []string {
	text := q.text(name)
	if text == "" {
		return nil
	}
	items := strings.Split(text, ",")
	for _, item := range items {
		if !slices.Contains(values, item) {
			q.reject(name, fault.FieldInvalidValue, "must be a list of "+strings.Join(values, ", "))
			break
		}
	}
	return items
}

// time returns a time in RFC 3339, or nil if it is absent.
func (q *query) time(name string) *time.Time {
	text := q.text(name)
	if text == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		q.reject(name, fault.FieldInvalidValue, "must be a time in RFC 3339, for example 2026-11-27T09:00:00Z")
		return nil
	}
	return &at
}

// err returns fault.Invalid with every problem, or nil.
func (q *query) err() error {
	for _, name := range slices.Sorted(maps.Keys(q.values)) {
		if !slices.Contains(q.read, name) {
			q.reject(name, fault.FieldUnknownMember, "is not a parameter of this route")
		}
	}
	if q.invalid != nil {
		return fault.InvalidFields(q.invalid)
	}
	return nil
}
