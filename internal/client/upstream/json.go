package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
)

// Value is a JSON value of any type. Its methods never fail: a value of an
// unexpected type is read as the closest one of the expected type, or as
// nothing. The zero Value is null.
type Value struct{ v any }

// ParseJSON reads the only JSON value in body. It returns io.ErrUnexpectedEOF
// if the body ends too early, which json.Unmarshal would not, and otherwise the
// error of encoding/json.
func ParseJSON(body []byte) (Value, error) {
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return Value{}, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Value{}, errors.New("more than one JSON value")
	}
	return Value{v}, nil
}

// Member returns the member of an object, and null for everything else.
func (v Value) Member(name string) Value {
	object, _ := v.v.(map[string]any)
	return Value{object[name]}
}

// Has reports whether v is an object with the member, which may be null.
func (v Value) Has(name string) bool {
	object, _ := v.v.(map[string]any)
	_, ok := object[name]
	return ok
}

// IsObject reports whether v is an object.
func (v Value) IsObject() bool {
	_, ok := v.v.(map[string]any)
	return ok
}

// IsArray reports whether v is an array.
func (v Value) IsArray() bool {
	_, ok := v.v.([]any)
	return ok
}

// IsZero reports whether v is null, false, zero, or an empty string, array or
// object.
func (v Value) IsZero() bool {
	switch v := v.v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case json.Number:
		f, err := v.Float64()
		return err == nil && f == 0
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	default:
		return false
	}
}

// Items returns the items of an array, and an object as its only item.
func (v Value) Items() []Value {
	switch v := v.v.(type) {
	case []any:
		items := make([]Value, len(v))
		for i := range v {
			items[i] = Value{v[i]}
		}
		return items
	case map[string]any:
		return []Value{{v}}
	default:
		return nil
	}
}

// Text returns a string, or the digits of a number.
func (v Value) Text() string {
	switch v := v.v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		return ""
	}
}

// Int returns a whole number, which may be written as a string or with a
// fraction of zero. ok is false for everything else.
func (v Value) Int() (n int64, ok bool) {
	text := strings.TrimSpace(v.Text())
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= math.MaxInt64 {
		return 0, false
	}
	return int64(f), true
}

// Bool reports whether v is true, or the string "true".
func (v Value) Bool() bool {
	switch v := v.v.(type) {
	case bool:
		return v
	case string:
		return v == "true"
	default:
		return false
	}
}
