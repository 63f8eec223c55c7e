package handler

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"aisha/internal/handler/wire"
)

// document is a file that does not change while the process runs. It has two
// representations: as it is, and compressed. Each has its own ETag.
type document struct {
	contentType string
	content     []byte
	etag        string
	compressed  func() []byte // computed at the first call
	gzipETag    string
}

func newDocument(contentType string, content []byte) document {
	hash := sha256.Sum256(content)
	return document{
		contentType: contentType,
		content:     content,
		etag:        fmt.Sprintf(`"%x"`, hash),
		compressed:  sync.OnceValue(func() []byte { return compress(content) }),
		gzipETag:    fmt.Sprintf(`"%x-gzip"`, hash),
	}
}

func compress(content []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(content) // a bytes.Buffer returns no errors
	_ = w.Close()
	return out.Bytes()
}

// respond returns the document, or 304 if the client has it already. Clients
// must revalidate a cached document on every use, because another version of
// the program may serve another document. An empty policy sets none.
func (d document) respond(r *http.Request, policy string) wire.Response {
	response := wire.Response{
		Status:      http.StatusOK,
		Header:      http.Header{"Etag": {d.etag}, "Cache-Control": {"no-cache"}, "Vary": {"Accept-Encoding"}},
		ContentType: d.contentType,
	}
	if policy != "" {
		response.Header.Set("Content-Security-Policy", policy)
	}
	isGzip := acceptsGzip(r.Header.Values("Accept-Encoding"))
	if isGzip {
		response.Header.Set("Etag", d.gzipETag)
	}
	if strings.Contains(r.Header.Get("If-None-Match"), response.Header.Get("Etag")) {
		response.Status = http.StatusNotModified
		return response
	}
	if !isGzip {
		response.Body = d.content
		return response
	}
	response.Header.Set("Content-Encoding", "gzip")
	response.Body = d.compressed()
	return response
}

// acceptsGzip reports whether an Accept-Encoding header lists gzip or *, without
// the quality 0, which excludes it (RFC 9110, section 12.5.3).
func acceptsGzip(acceptEncoding []string) bool {
	accepted := false
	for coding := range strings.SplitSeq(strings.Join(acceptEncoding, ","), ",") {
		name, parameters, _ := strings.Cut(coding, ";")
		_, weight, hasWeight := strings.Cut(strings.ReplaceAll(parameters, " ", ""), "=")
		quality, err := strconv.ParseFloat(weight, 64)
		isExcluded := hasWeight && (err != nil || quality <= 0)
		switch name = strings.TrimSpace(name); {
		case strings.EqualFold(name, "gzip"):
			return !isExcluded
		case name == "*":
			accepted = !isExcluded
		}
	}
	return accepted
}
