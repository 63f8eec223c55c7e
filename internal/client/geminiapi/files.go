package geminiapi

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"regexp"
)

// filePlaceholder is what the SDK gets in place of the bytes of each file. The
// SDK would copy them several times. The transport replaces the placeholders
// while it sends the request.
const filePlaceholder = "file"

// placeholderPattern matches a placeholder in the SDK's body. It cannot match
// within a prompt, because JSON escapes the quotes of a prompt.
var placeholderPattern = regexp.MustCompile(`"data":\s*"` +
	regexp.QuoteMeta(base64.StdEncoding.EncodeToString([]byte(filePlaceholder))) + `"`)

// requestBody is the body of a request. It is encoded while it is read, so that
// a file is in memory only once, and it can be read any number of times.
type requestBody struct {
	texts [][]byte // before, between and after the files
	files [][]byte
}

// newRequestBody returns the SDK's body with the files in place of the
// placeholders.
func newRequestBody(body []byte, files [][]byte) (requestBody, error) {
	matches := placeholderPattern.FindAllIndex(body, -1)
	if len(matches) != len(files) {
		return requestBody{}, fmt.Errorf("the SDK's request has %d files, want %d", len(matches), len(files))
	}
	var texts [][]byte
	end := 0
	for _, match := range matches {
		texts = append(texts, append(body[end:match[0]:match[0]], `"data":"`...))
		end = match[1] - len(`"`)
	}
	return requestBody{texts: append(texts, body[end:]), files: files}, nil
}

// length returns the length of the body in bytes.
func (b requestBody) length() int64 {
	var sum int64
	for _, text := range b.texts {
		sum += int64(len(text))
	}
	for _, file := range b.files {
		sum += int64(base64.StdEncoding.EncodedLen(len(file)))
	}
	return sum
}

// open returns a new reader of the whole body.
func (b requestBody) open() io.ReadCloser {
	var readers []io.Reader
	for i, text := range b.texts {
		readers = append(readers, bytes.NewReader(text))
		if i < len(b.files) {
			readers = append(readers, &base64Reader{data: b.files[i]})
		}
	}
	return io.NopCloser(io.MultiReader(readers...))
}

// base64Reader reads the base64 of data.
type base64Reader struct {
	data   []byte  // not encoded yet
	unread []byte  // a part of group
	group  [4]byte // for a caller that reads fewer bytes than one group at a time
}

// Read implements io.Reader.
func (r *base64Reader) Read(p []byte) (int, error) {
	const in, out = 3, 4 // bytes of a group before and after encoding
	if len(r.unread) == 0 && len(r.data) == 0 {
		return 0, io.EOF
	}
	if len(r.unread) == 0 && len(p) >= out {
		n := min(len(r.data), len(p)/out*in)
		base64.StdEncoding.Encode(p, r.data[:n])
		r.data = r.data[n:]
		return base64.StdEncoding.EncodedLen(n), nil
	}
	if len(r.unread) == 0 {
		n := min(len(r.data), in)
		base64.StdEncoding.Encode(r.group[:], r.data[:n])
		r.data, r.unread = r.data[n:], r.group[:]
	}
	n := copy(p, r.unread)
	r.unread = r.unread[n:]
	return n, nil
}
