package wire

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/tidwall/gjson"

	"aisha/internal/fault"
)

// Members are the members of a JSON object. Names match exactly; encoding/json
// would accept "USERNAME" for "username" when it fills a struct.
//
// Each method reads one required member. If the member is missing or has the
// wrong type, the method returns the zero value and records a field error,
// which Decode returns. null is a wrong type.
type Members struct {
	object  gjson.Result
	invalid []fault.Field
}

// Optional reads a member with one of the methods of m. It returns nil if the
// object does not have the member:
//
//	note := wire.Optional(m, "note", m.String)
func Optional[T any](m *Members, name string, read func(name string) T) *T {
	if !m.find(name).Exists() {
		return nil
	}
	value := read(name)
	return &value
}

// OptionalOrNull is Optional for a member whose null means the same as no member.
func OptionalOrNull[T any](m *Members, name string, read func(name string) T) *T {
	if m.IsNull(name) {
		return nil
	}
	return Optional(m, name, read)
}

// IsNull reports whether the member is null, for routes where that means the same as
// a missing member.
func (m *Members) IsNull(name string) bool {
	member := m.find(name)
	return member.Exists() && member.Type == gjson.Null
}

// String reads a string. It checks only the type; services check the content.
func (m *Members) String(name string) string {
	return required(m, name, parseString)
}

// StringOrNull is String for a member that may be null, which it returns as "".
func (m *Members) StringOrNull(name string) string {
	if member := m.find(name); member.Exists() && member.Type == gjson.Null {
		return ""
	}
	return m.String(name)
}

// Bool reads true or false.
func (m *Members) Bool(name string) bool {
	return required(m, name, parseBool)
}

// Integer reads an integer from lowest to highest, both included.
func (m *Members) Integer(name string, lowest, highest int64) int64 {
	return required(m, name, func(value gjson.Result) (int64, *problem) {
		n, wrong := parseInteger(value)
		if wrong == nil && (n < lowest || n > highest) {
			return 0, &problem{fault.FieldOutOfRange, rangeMessage(lowest, highest)}
		}
		return n, wrong
	})
}

// StringList reads a list of strings, or one string as a list of one.
func (m *Members) StringList(name string) []string {
	return required(m, name, func(value gjson.Result) ([]string, *problem) {
		if value.Type != gjson.String {
			return parseList(value, parseString)
		}
		text, wrong := parseString(value)
		return []string{text}, wrong
	})
}

// Integers reads a list of integers.
func (m *Members) Integers(name string) []int64 {
	return required(m, name, func(value gjson.Result) ([]int64, *problem) { return parseList(value, parseInteger) })
}

// Object reads an object whose members read takes. Their field errors have names such
// as "filter.status".
func Object[T any](m *Members, name string, read func(*Members) T) T {
	var zero T
	object := required(m, name, parseObject)
	if !object.Exists() {
		return zero
	}
	inner := &Members{object: object}
	value := read(inner)
	for _, field := range inner.invalid {
		field.Name = name + "." + field.Name
		m.invalid = append(m.invalid, field)
	}
	return value
}

// maxUnknownMembers limits how many errors RejectUnknown records.
const maxUnknownMembers = 20

// RejectUnknown records a field error for each member that is not in known, up
// to maxUnknownMembers. It is for routes where an ignored member would change
// the meaning of the request.
func (m *Members) RejectUnknown(known ...string) {
	reported := map[string]bool{}
	m.object.ForEach(func(key, _ gjson.Result) bool {
		if !slices.Contains(known, key.Str) && !reported[key.Str] {
			reported[key.Str] = true
			m.reject(key.Str, problem{fault.FieldUnknownMember, "is not a member of this request"})
		}
		return len(reported) < maxUnknownMembers
	})
}

// problem is the error of a member.
type problem struct {
	code    fault.FieldCode
	message string
}

func (m *Members) reject(name string, p problem) {
	m.invalid = append(m.invalid, fault.Field{Name: name, Code: p.code, Message: p.message})
}

// required reads a member with parse, which returns the value, or a problem if
// the value is invalid.
func required[T any](m *Members, name string, parse func(gjson.Result) (T, *problem)) T {
	var zero T
	member := m.find(name)
	if !member.Exists() {
		m.reject(name, problem{fault.FieldRequired, "is missing"})
		return zero
	}
	value, wrong := parse(member)
	if wrong != nil {
		m.reject(name, *wrong)
		return zero
	}
	return value
}

// find returns the member with that name. If there are several, the last one
// wins, as in encoding/json.
func (m *Members) find(name string) (found gjson.Result) {
	m.object.ForEach(func(key, value gjson.Result) bool {
		if key.Str == name {
			found = value
		}
		return true
	})
	return found
}

func parseString(value gjson.Result) (string, *problem) {
	if value.Type != gjson.String {
		return "", &problem{fault.FieldWrongType, "must be a string"}
	}
	if hasLoneSurrogate(value.Raw) {
		return "", &problem{fault.FieldNotUnicode, "must be valid Unicode: it has half of a surrogate pair"}
	}
	return value.Str, nil
}

func parseBool(value gjson.Result) (bool, *problem) {
	if !value.IsBool() {
		return false, &problem{fault.FieldWrongType, "must be true or false"}
	}
	return value.Bool(), nil
}

// parseInteger accepts digits with an optional minus sign. Like encoding/json
// it rejects 1.0 and 1e3.
func parseInteger(value gjson.Result) (int64, *problem) {
	notInteger := &problem{fault.FieldWrongType, "must be an integer"}
	if value.Type != gjson.Number {
		return 0, notInteger
	}
	n, err := strconv.ParseInt(value.Raw, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, &problem{fault.FieldOutOfRange, "is out of range"}
	case err != nil:
		return 0, notInteger
	}
	return n, nil
}

func parseObject(value gjson.Result) (gjson.Result, *problem) {
	if !value.IsObject() {
		return gjson.Result{}, &problem{fault.FieldWrongType, "must be an object"}
	}
	return value, nil
}

// parseList parses each item of a list. The message for an invalid item counts
// from 1.
func parseList[T any](value gjson.Result, parse func(gjson.Result) (T, *problem)) ([]T, *problem) {
	if !value.IsArray() {
		return nil, &problem{fault.FieldWrongType, "must be a list"}
	}
	items := []T{}
	for i, element := range value.Array() {
		item, wrong := parse(element)
		if wrong != nil {
			return nil, &problem{wrong.code, fmt.Sprintf("item %d %s", i+1, wrong.message)}
		}
		items = append(items, item)
	}
	return items, nil
}

func rangeMessage(lowest, highest int64) string {
	if highest == math.MaxInt64 {
		return fmt.Sprintf("must be at least %d", lowest)
	}
	return fmt.Sprintf("must be from %d to %d", lowest, highest)
}
