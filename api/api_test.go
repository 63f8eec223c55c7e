package api_test

import (
	"encoding/json"
	"io/fs"
	"reflect"
	"testing"

	"gopkg.in/yaml.v3"

	"aisha/api"
)

func TestBothFormsSayTheSame(t *testing.T) {
	t.Parallel()
	var fromYAML, fromJSON any
	if err := yaml.Unmarshal(api.YAML(), &fromYAML); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(api.JSON(), &fromJSON); err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(fromYAML) // numbers become those of JSON
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(plain, &fromYAML); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(fromYAML, fromJSON) {
		t.Error("the two forms differ")
	}
}

func TestPagesComeWithTheirLicences(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"swagger-ui.html", "swagger-ui-init.js", "swagger-ui-bundle.js", "swagger-ui.css", "swagger-ui.LICENSE.txt", "swagger-ui.NOTICE.txt",
		"redoc.html", "redoc-init.js", "redoc.standalone.js", "redoc.LICENSE.txt", "page.css",
	} {
		if content, err := fs.ReadFile(api.Docs(), name); err != nil || len(content) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(content), err)
		}
	}
}
