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

// maxBody is the limit of the body of a JSON value or a form, in bytes.
// api/openapi.yaml documents it.
const maxBody = 64 << 10

// Decode parses the body as a JSON object and returns what read takes from its
// members. Faults: UnsupportedMediaType, TooLarge, Malformed, and Invalid with
// a field for each member that read could not take.
func Decode[T any](r *http.Request, read func(*Members) T) (T, error) {
	return DecodeUpTo(r, maxBody, read)
}

// DecodeUpTo is Decode with another limit of the body, in bytes.
func DecodeUpTo[T any](r *http.Request, limit int64, read func(*Members) T) (T, error) {
	var zero T
	if err := checkJSONType(r.Header); err != nil {
		return zero, err
	}
	body, err := ReadBody(r, limit)
	if err != nil {
		return zero, err
	}
	m, err := parseMembers(body)
	if err != nil {
		return zero, err
	}
	value := read(m)
	if m.invalid != nil {
		return zero, fault.InvalidFields(m.invalid)
	}
	return value, nil
}

var errNotDeclaredJSON = fault.New(fault.UnsupportedMediaType, "the body must be JSON: send it with Content-Type: application/json")

// checkJSONType accepts uncompressed JSON in UTF-8.
func checkJSONType(header http.Header) error {
	if err := checkNotCompressed(header); err != nil {
		return err
	}
	media, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	isJSON := media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
	if err != nil || !isJSON {
		return errNotDeclaredJSON
	}
	return checkCharset(params)
}

func checkNotCompressed(header http.Header) error {
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return fault.New(fault.UnsupportedMediaType, "the body must not be compressed")
	}
	return nil
}

// checkCharset accepts the names of UTF-8 that clients use, and those of ASCII,
// which is a part of it.
func checkCharset(mediaTypeParams map[string]string) error {
	charset, given := mediaTypeParams["charset"]
	if !given {
		return nil
	}
	switch strings.ToLower(charset) {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return nil
	default:
		return fault.New(fault.UnsupportedMediaType, "the body must be in UTF-8")
	}
}

// byteOrderMark is U+FEFF in UTF-8. Some clients on Windows write it before
// their JSON. RFC 8259, section 8.1, allows parsers to ignore it.
const byteOrderMark = "\xef\xbb\xbf"

// parseMembers parses exactly one JSON object.
//
// encoding/json checks the syntax and limits the nesting depth. gjson reads the
// members, because encoding/json takes several times as long and silently
// replaces invalid UTF-8.
func parseMembers(body []byte) (*Members, error) {
	body = bytes.Trim(bytes.TrimPrefix(body, []byte(byteOrderMark)), " \t\r\n")
	switch {
	case len(body) == 0:
		return nil, fault.New(fault.Malformed, "the body is empty")
	case !utf8.Valid(body):
		return nil, fault.New(fault.Malformed, "the body is not valid UTF-8")
	case !json.Valid(body):
		return nil, fault.New(fault.Malformed, "the body is not one JSON value")
	case body[0] != '{':
		return nil, fault.InvalidField("body", fault.FieldWrongType, "must be a JSON object")
	}
	return &Members{object: gjson.ParseBytes(body)}, nil
}
