package handler

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"aisha/internal/fault"
)

// decode reads a JSON object out of the request and lets pick take what it
// needs from its members. Faults: UnsupportedMediaType, TooLarge, Malformed,
// and Invalid with every member that is wrong.
func decode[T any](r *http.Request, pick func(*members) T) (T, error) {
	var zero T
	if err := checkMedia(r.Header); err != nil {
		return zero, err
	}
	body, err := readBody(r, maxAPIBody)
	if err != nil {
		return zero, err
	}
	m, err := parseMembers(body)
	if err != nil {
		return zero, err
	}
	value := pick(m)
	if m.wrong != nil {
		invalid := fault.New(fault.Invalid, "the request is not valid")
		invalid.Fields = m.wrong
		return zero, invalid
	}
	return value, nil
}

// checkMedia accepts JSON in UTF-8 that is not compressed.
func checkMedia(header http.Header) error {
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return fault.New(fault.UnsupportedMediaType, "the body must not be compressed")
	}
	media, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	isJSON := media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
	if err != nil || !isJSON {
		return fault.New(fault.UnsupportedMediaType, "the body must be JSON: send it with Content-Type: application/json")
	}
	if charset, given := params["charset"]; given && !strings.EqualFold(charset, "utf-8") {
		return fault.New(fault.UnsupportedMediaType, "the body must be in UTF-8")
	}
	return nil
}

// members are what a JSON object holds. Their names are exact: encoding/json
// would take "USERNAME" for "username" if it filled a struct.
type members struct {
	object gjson.Result
	wrong  []fault.Field
}

// parseMembers takes exactly one JSON object. encoding/json says whether it is
// one, and bounds how deep it may be nested; it would replace invalid UTF-8
// without a word, and takes several times as long to read it.
func parseMembers(body []byte) (*members, error) {
	body = bytes.TrimSpace(body)
	switch {
	case len(body) == 0:
		return nil, fault.New(fault.Malformed, "the body is empty")
	case !utf8.Valid(body):
		return nil, fault.New(fault.Malformed, "the body is not valid UTF-8")
	case !json.Valid(body):
		return nil, fault.New(fault.Malformed, "the body is not one JSON value")
	case body[0] != '{':
		return nil, fault.InvalidField("body", "must be a JSON object")
	}
	return &members{object: gjson.ParseBytes(body)}, nil
}

// named is the member of that name, the last where there are several.
func (m *members) named(name string) (found gjson.Result) {
	m.object.ForEach(func(key, value gjson.Result) bool {
		if key.Str == name {
			found = value
		}
		return true
	})
	return found
}

// text takes a member that must be there and must be a string. What it says
// is the service's to judge.
func (m *members) text(name string) string {
	value := m.named(name)
	switch {
	case !value.Exists():
		m.wrong = append(m.wrong, fault.Field{Name: name, Message: "is missing"})
		return ""
	case value.Type != gjson.String:
		m.wrong = append(m.wrong, fault.Field{Name: name, Message: "must be a string"})
		return ""
	case loneSurrogate(value.Raw):
		m.wrong = append(m.wrong, fault.Field{Name: name, Message: "must be valid Unicode: it has half of a surrogate pair"})
		return ""
	}
	return value.Str
}

// loneSurrogate reports whether a string in JSON has half of a surrogate pair,
// which decoders replace without a word.
func loneSurrogate(raw string) bool {
	for at := strings.IndexByte(raw, '\\'); at >= 0; at = strings.IndexByte(raw, '\\') {
		first, escaped := codeUnit(raw[at:])
		if !escaped {
			raw = raw[at+2:] // the backslash may escape another one
			continue
		}
		raw = raw[at+unitLength:]
		if !utf16.IsSurrogate(first) {
			continue
		}
		if second, _ := codeUnit(raw); utf16.DecodeRune(first, second) == utf8.RuneError {
			return true
		}
		raw = raw[unitLength:]
	}
	return false
}

const unitLength = len(`\u0000`)

// codeUnit is the UTF-16 unit that valid JSON begins with, if it is escaped.
func codeUnit(raw string) (unit rune, escaped bool) {
	if len(raw) < unitLength || raw[:2] != `\u` {
		return 0, false
	}
	n, err := strconv.ParseUint(raw[2:unitLength], 16, 16)
	return rune(n), err == nil
}
