package wire

import (
	"bytes"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"aisha/internal/fault"
)

const formType = "application/x-www-form-urlencoded"

// IsForm reports whether the body is declared as an HTML form.
func IsForm(r *http.Request) bool {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(media), formType)
}

// DecodeForm parses the body as an HTML form, with the limit of a JSON body.
// Faults: UnsupportedMediaType, TooLarge, Malformed.
func DecodeForm(r *http.Request) (url.Values, error) {
	if err := checkNotCompressed(r.Header); err != nil {
		return nil, err
	}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != formType {
		return nil, fault.New(fault.UnsupportedMediaType, "the body must be a form: send it with Content-Type: "+formType)
	}
	if err := checkCharset(params); err != nil {
		return nil, err
	}
	body, err := ReadBody(r, maxBody)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return nil, errNotDeclaredJSON // curl -d declares every body as a form
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fault.New(fault.Malformed, "the body is not a form") // the error of url quotes the body
	}
	return values, nil
}
