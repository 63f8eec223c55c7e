package config

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// readDocument returns a file in the root directory of the repository.
func readDocument(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// checkNames checks that a document names all variables and no other ones.
func checkNames(t *testing.T, document string, documented map[string]string) {
	t.Helper()
	variables := map[string]bool{}
	for _, tag := range tags() {
		name := tag.Get("envconfig")
		variables[name] = true
		if _, found := documented[name]; !found {
			t.Errorf("%s: variable %s is missing", document, name)
		}
	}
	for name := range documented {
		if !variables[name] {
			t.Errorf("%s: got variable %s, which does not exist", document, name)
		}
	}
}

func TestEnvExample_Variables(t *testing.T) {
	t.Parallel()
	documented := map[string]string{}
	for _, line := range regexp.MustCompile(`(?m)^#?([A-Z][A-Z0-9_]*)=(.*)$`).FindAllStringSubmatch(readDocument(t, ".env.example"), -1) {
		if _, twice := documented[line[1]]; twice {
			t.Errorf("got %s twice, want once", line[1])
		}
		documented[line[1]] = line[2]
	}
	checkNames(t, ".env.example", documented)
	for _, tag := range tags() {
		name := tag.Get("envconfig")
		if got, want := documented[name], tag.Get("default"); got != want {
			t.Errorf("%s: got default %q, want %q", name, got, want)
		}
	}
}

// TestReadme_Variables reads the table of variables. A row may name several
// variables, and the NAME_FILE form of one.
func TestReadme_Variables(t *testing.T) {
	t.Parallel()
	documented := map[string]string{}
	for row := range strings.Lines(readDocument(t, "README.md")) {
		if !strings.HasPrefix(row, "| `") {
			continue
		}
		names, _, _ := strings.Cut(row[2:], " |")
		for _, name := range regexp.MustCompile("`([A-Z][A-Z0-9_]*)`").FindAllStringSubmatch(names, -1) {
			documented[name[1]] = ""
		}
	}
	for _, tag := range tags() {
		if tag.Get("file") != "" {
			delete(documented, tag.Get("envconfig")+"_FILE")
		}
	}
	checkNames(t, "README.md", documented)
}

func TestEnvExample_CopyKeepsDefaults(t *testing.T) {
	example := readDocument(t, ".env.example")
	setenv(t)
	want, err := LoadDev()
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, ".env", example)
	got, err := LoadDev()
	if err != nil {
		t.Fatal(err)
	}
	if got.WhatsApp.Instructions != want.WhatsApp.Instructions || got.Gemini != want.Gemini || got.Port != want.Port || !got.DatabaseURL.IsZero() {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
