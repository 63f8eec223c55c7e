package api_test

import (
	"encoding/json"
	"io/fs"
	"reflect"
	"testing"

	"gopkg.in/yaml.v3"

	"aisha/api"
)

func TestJSON_EqualsYAML(t *testing.T) {
	t.Parallel()
	var fromYAML, fromJSON any
	if err := yaml.Unmarshal(api.YAML(), &fromYAML); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(api.JSON(), &fromJSON); err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(fromYAML) // converts integers to the float64 of encoding/json
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(plain, &fromYAML); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(fromYAML, fromJSON) {
		t.Errorf("JSON() is %v, want the same as YAML(), %v", fromJSON, fromYAML)
	}
}

func TestDocs_PagesAndLicences(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"swagger-ui.html", "swagger-ui-init.js", "swagger-ui-bundle.js", "swagger-ui.css", "swagger-ui.LICENSE.txt", "swagger-ui.NOTICE.txt",
		"redoc.html", "redoc-init.js", "redoc.standalone.js", "redoc.LICENSE.txt", "dark-mode.js", "page.css",
	} {
		if content, err := fs.ReadFile(api.Docs(), name); err != nil || len(content) == 0 {
			t.Errorf("%s: got %d bytes and error %v, want a file with content", name, len(content), err)
		}
	}
}
