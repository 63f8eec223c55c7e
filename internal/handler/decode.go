package handler

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

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
	raw   map[string]json.RawMessage
	wrong []fault.Field
}

// parseMembers takes exactly one JSON object. encoding/json bounds how deep it
// may be nested, and would replace invalid UTF-8 without a word.
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
	m := &members{}
	if err := json.Unmarshal(body, &m.raw); err != nil {
		return nil, fault.Wrap(err, fault.Malformed, "the body is not one JSON value")
	}
	return m, nil
}

// text takes a member that must be there and must be a string. What it says
// is the service's to judge.
func (m *members) text(name string) string {
	raw, there := m.raw[name]
	if !there {
		m.wrong = append(m.wrong, fault.Field{Name: name, Message: "is missing"})
		return ""
	}
	var value *string // a pointer tells null from ""
	if err := json.Unmarshal(raw, &value); err != nil || value == nil {
		m.wrong = append(m.wrong, fault.Field{Name: name, Message: "must be a string"})
		return ""
	}
	if loneSurrogate(raw, *value) {
		m.wrong = append(m.wrong, fault.Field{Name: name, Message: "must be valid Unicode: it has half of a surrogate pair"})
		return ""
	}
	return *value
}

// loneSurrogate reports whether decoding raw replaced half of a surrogate
// pair, which encoding/json does without a word. A replacement character that
// was written as such does not count.
func loneSurrogate(raw []byte, decoded string) bool {
	written := bytes.Count(raw, []byte("\uFFFD")) + bytes.Count(bytes.ToLower(raw), []byte(`\ufffd`))
	return strings.Count(decoded, "\uFFFD") > written
}
