package handler

import (
	"bytes"
	"html"
	"io/fs"
	"net/http"
	"path"

	"github.com/go-chi/chi/v5"

	"aisha/api"
	"aisha/internal/fault"
	"aisha/internal/handler/wire"
)

// docsPolicy is the Content-Security-Policy of the documentation pages. They
// load everything from this server. Swagger UI and ReDoc both set inline
// styles, and ReDoc searches in a worker that it creates from a blob.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// docs serves the API's description and the pages that show it.
type docs struct {
	files    map[string]document
	yaml     document
	json     document
	notFound error
}

// newDocs reads the embedded files. The pages link to the simulated phone if
// phoneURL is not empty. newDocs panics if a file cannot be read, which only a
// broken build can cause.
func newDocs(phoneURL string) *docs {
	d := &docs{
		files:    map[string]document{},
		yaml:     newDocument("application/yaml", api.YAML()),
		json:     newDocument("application/json; charset=utf-8", api.JSON()),
		notFound: fault.New(fault.NotFound, "there is no such file"),
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
		if path.Ext(entry.Name()) == ".html" {
			content = bytes.Replace(content, []byte("<!-- phone -->"), phoneLink(phoneURL), 1)
		}
		d.files[entry.Name()] = newDocument(contentType(entry.Name()), content)
	}
	return d
}

func phoneLink(phoneURL string) []byte {
	if phoneURL == "" {
		return nil
	}
	return []byte(`<a href="` + html.EscapeString(phoneURL) + `">Phone</a>`)
}

// contentType returns the content type of a documentation file. It does not use
// mime.TypeByExtension, whose result depends on the machine.
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

// page handles GET /docs and GET /redoc.
func (d *docs) page(name string) wire.HandlerFunc {
	page := d.files[name]
	return func(r *http.Request) (wire.Response, error) { return page.respond(r, docsPolicy), nil }
}

// asset handles GET /docs/{file}: scripts, styles and licences.
func (d *docs) asset(r *http.Request) (wire.Response, error) {
	file, exists := d.files[chi.URLParam(r, "file")]
	if !exists {
		return wire.Response{}, d.notFound
	}
	return file.respond(r, ""), nil
}

// openAPIYAML handles GET /openapi.yaml.
func (d *docs) openAPIYAML(r *http.Request) (wire.Response, error) {
	return d.yaml.respond(r, ""), nil
}

// openAPIJSON handles GET /openapi.json.
func (d *docs) openAPIJSON(r *http.Request) (wire.Response, error) {
	return d.json.respond(r, ""), nil
}
