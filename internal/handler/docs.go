package handler

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/go-chi/chi/v5"

	"aisha/api"
	"aisha/internal/fault"
)

// docsPolicy is the Content-Security-Policy of the pages: all they load comes
// from here. Both programs style by script, and ReDoc searches in a worker
// that it makes of a blob.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// document is a file that does not change while the program runs.
type document struct {
	contentType string
	content     []byte
	etag        string
}

func newDocument(contentType string, content []byte) document {
	return document{contentType: contentType, content: content, etag: fmt.Sprintf(`"%x"`, sha256.Sum256(content))}
}

// reply lets callers keep the document, if they ask each time whether it is
// still the same: the next version of the program may have another.
func (d document) reply(r *http.Request, policy string) reply {
	header := http.Header{"Etag": {d.etag}, "Cache-Control": {"no-cache"}}
	if policy != "" {
		header.Set("Content-Security-Policy", policy)
	}
	if strings.Contains(r.Header.Get("If-None-Match"), d.etag) {
		return reply{status: http.StatusNotModified, header: header}
	}
	return reply{status: http.StatusOK, header: header, contentType: d.contentType, body: d.content}
}

// docs are the API's description and the pages that show it.
type docs struct {
	files     map[string]document
	yamlText  document
	jsonText  document
	noSuchDoc error
}

func newDocs() *docs {
	d := &docs{
		files:     map[string]document{},
		yamlText:  newDocument("application/yaml", api.YAML()),
		jsonText:  newDocument("application/json; charset=utf-8", api.JSON()),
		noSuchDoc: fault.New(fault.NotFound, "there is no such file"),
	}
	entries, err := fs.ReadDir(api.Docs(), ".")
	if err != nil {
		panic(err)
	}
	for _, entry := range entries {
		content, err := fs.ReadFile(api.Docs(), entry.Name())
		if err != nil {
			panic(err)
		}
		d.files[entry.Name()] = newDocument(contentType(entry.Name()), content)
	}
	return d
}

// contentType does not ask the machine, whose tables differ.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	default:
		return "text/plain; charset=utf-8"
	}
}

// page answers GET /docs and GET /redoc.
func (d *docs) page(name string) func(*http.Request) (reply, error) {
	page := d.files[name]
	return func(r *http.Request) (reply, error) { return page.reply(r, docsPolicy), nil }
}

// asset answers GET /docs/{file}: scripts, styles and licences.
func (d *docs) asset(r *http.Request) (reply, error) {
	file, there := d.files[chi.URLParam(r, "file")]
	if !there {
		return reply{}, d.noSuchDoc
	}
	return file.reply(r, ""), nil
}

// yaml answers GET /openapi.yaml.
func (d *docs) yaml(r *http.Request) (reply, error) { return d.yamlText.reply(r, ""), nil }

// json answers GET /openapi.json.
func (d *docs) json(r *http.Request) (reply, error) { return d.jsonText.reply(r, ""), nil }
