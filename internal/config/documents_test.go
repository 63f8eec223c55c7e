package config

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// read is a file at the root of the project.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// compare holds the names of a document, with their defaults, against the
// variables, in both directions.
func compare(t *testing.T, document string, documented map[string]string, withDefaults bool) {
	t.Helper()
	for _, tag := range tags() {
		name := tag.Get("envconfig")
		value, found := documented[name]
		if !found {
			t.Errorf("%s: %s is missing", document, name)
		}
		if withDefaults && value != tag.Get("default") {
			t.Errorf("%s: %s is %q, but its default is %q", document, name, value, tag.Get("default"))
		}
		delete(documented, name)
	}
	for name := range documented {
		t.Errorf("%s: there is no %s", document, name)
	}
}

func TestEnvExampleShowsEveryVariableWithItsDefault(t *testing.T) {
	t.Parallel()
	documented := map[string]string{}
	for _, line := range regexp.MustCompile(`(?m)^#?([A-Z][A-Z0-9_]*)=(.*)$`).FindAllStringSubmatch(read(t, ".env.example"), -1) {
		if _, twice := documented[line[1]]; twice {
			t.Errorf("%s stands twice", line[1])
		}
		documented[line[1]] = line[2]
	}
	compare(t, ".env.example", documented, true)
}

// A row of the table may name several variables, and the _FILE form of one.
func TestReadmeTellsOfEveryVariable(t *testing.T) {
	t.Parallel()
	documented := map[string]string{}
	for row := range strings.Lines(read(t, "README.md")) {
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
	compare(t, "README.md", documented, false)
}

func TestCopiedEnvExampleChangesNothing(t *testing.T) {
	example := read(t, ".env.example")
	given(t)
	want, err := LoadDev()
	if err != nil {
		t.Fatal(err)
	}
	write(t, ".env", example)
	got, err := LoadDev()
	if err != nil {
		t.Fatal(err)
	}
	if got.WhatsApp.Instructions != want.WhatsApp.Instructions || got.Gemini != want.Gemini || got.Port != want.Port || !got.DatabaseURL.IsZero() {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
