package wire

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"aisha/internal/fault"
)

// maxJSONBody is the limit of a JSON body, in bytes. api/openapi.yaml documents
// it.
const maxJSONBody = 64 << 10

// Decode parses the body as a JSON object and returns what read takes from its
// members. Faults: UnsupportedMediaType, TooLarge, Malformed, and Invalid with
// a field for each member that read could not take.
func Decode[T any](r *http.Request, read func(*Members) T) (T, error) {
	var zero T
	if err := checkMediaType(r.Header); err != nil {
		return zero, err
	}
	body, err := ReadBody(r, maxJSONBody)
	if err != nil {
		return zero, err
	}
	m, err := parseMembers(body)
	if err != nil {
		return zero, err
	}
	value := read(m)
	if m.invalid != nil {
		invalid := fault.New(fault.Invalid, "the request is not valid")
		invalid.Fields = m.invalid
		return zero, invalid
	}
	return value, nil
}

// checkMediaType accepts uncompressed JSON in UTF-8.
func checkMediaType(header http.Header) error {
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

// parseMembers parses exactly one JSON object.
//
// encoding/json checks the syntax and limits the nesting depth. gjson reads the
// members, because encoding/json takes several times as long and silently
// replaces invalid UTF-8.
func parseMembers(body []byte) (*Members, error) {
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
	return &Members{object: gjson.ParseBytes(body)}, nil
}
