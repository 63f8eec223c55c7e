// Package api embeds the OpenAPI description of the API, as YAML and as JSON,
// and the pages that show it. Package handler serves them.
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

// YAML returns the description as YAML.
func YAML() []byte { return description }

// JSON returns the same description as JSON. Each call converts it again.
func JSON() []byte {
	converted, err := yaml.YAMLToJSON(description)
	if err != nil {
		panic("api: openapi.yaml is not YAML: " + err.Error()) // cannot happen: the file is embedded and tested
	}
	return converted
}

// Docs returns the pages and the files that they load. Their names have no
// directory.
func Docs() fs.FS {
	files, err := fs.Sub(docs, "docs")
	if err != nil {
		panic("api: " + err.Error()) // cannot happen: the path is valid
	}
	return files
}
