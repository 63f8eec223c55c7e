// Package api holds what callers read of the API: its description in OpenAPI,
// as YAML and as JSON, and the pages that show it. How these are served is
// left to the handlers.
package api

import (
	"embed"
	"io/fs"

	"sigs.k8s.io/yaml"
)

//go:embed openapi.yaml
var description []byte

//go:embed docs/*.html docs/*.js docs/*.css docs/*.txt
var docs embed.FS

// YAML is the description as it was written.
func YAML() []byte { return description }

// JSON is the same description as JSON. It is made anew at every call.
func JSON() []byte {
	converted, err := yaml.YAMLToJSON(description)
	if err != nil {
		panic("api: openapi.yaml is not YAML: " + err.Error()) // the file is embedded, and a test reads it
	}
	return converted
}

// Docs are the pages and all they load, without their folder's name.
func Docs() fs.FS {
	files, err := fs.Sub(docs, "docs")
	if err != nil {
		panic("api: " + err.Error()) // only an invalid path fails
	}
	return files
}
