package wire

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"aisha/internal/fault"
)

// Upload is a file that is sent as the body of a request, alone or in a form.
type Upload struct {
	file  io.Reader         // nil: the part of the form is not found yet
	parts *multipart.Reader // nil: the body is not a form
}

// OpenUpload returns the CSV file in the body of a request, of which it reads nothing
// yet: text/csv, or multipart/form-data with one file and nothing else. The body may
// have limit bytes. Faults: UnsupportedMediaType, TooLarge, Malformed.
func OpenUpload(r *http.Request, limit int64) (*Upload, error) {
	if err := checkNotCompressed(r.Header); err != nil {
		return nil, err
	}
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	body := &limitedBody{body: http.MaxBytesReader(nil, r.Body, limit), limit: limit}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && media == "text/csv" && isUnicode(params["charset"]):
		return &Upload{file: body}, nil
	case err == nil && media == "multipart/form-data" && params["boundary"] != "":
		return &Upload{parts: multipart.NewReader(body, params["boundary"])}, nil
	default:
		return nil, fault.New(fault.UnsupportedMediaType,
			"the body must be a CSV file in UTF-8 or UTF-16: send it with Content-Type: text/csv, or as the only part of multipart/form-data")
	}
}

// isUnicode reports whether an upload may declare the charset. The file itself shows
// which of them it is in.
func isUnicode(charset string) bool {
	switch strings.ToLower(charset) {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be":
		return true
	default:
		return false
	}
}

// Read reads the file. Faults: TooLarge, Malformed if the body ends early or does not
// arrive in time, and Invalid for a form that is not one file.
func (u *Upload) Read(p []byte) (int, error) {
	if u.parts == nil {
		return u.file.Read(p)
	}
	if u.file == nil {
		part, err := u.parts.NextPart()
		if err != nil {
			return 0, formError(err)
		}
		if part.FileName() == "" {
			return 0, notOneFile()
		}
		u.file = part
	}
	n, err := u.file.Read(p)
	switch {
	case err == nil:
		return n, nil
	case !errors.Is(err, io.EOF):
		return n, formError(err)
	}
	if _, err := u.parts.NextPart(); !errors.Is(err, io.EOF) {
		return 0, formError(err)
	}
	return n, io.EOF
}

// formError returns the error for one of package multipart. A nil error of NextPart
// means that the form has more than the file.
func formError(err error) error {
	_, isFault := errors.AsType[*fault.Error](err)
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return notOneFile()
	case isFault:
		return err
	default:
		return unreadable(err)
	}
}

func notOneFile() error {
	err := fault.InvalidField("body", fault.FieldInvalidValue, "must have one file and nothing else")
	return fmt.Errorf("%w: %w", errBodyNotConsumed, err)
}

// limitedBody returns the errors of a body as faults.
type limitedBody struct {
	body  io.Reader
	limit int64
}

// Read implements io.Reader.
func (l *limitedBody) Read(p []byte) (int, error) {
	n, err := l.body.Read(p)
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return n, tooLarge(l.limit)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return n, unreadable(err)
	}
	return n, err
}
