package main

import (
	"strings"
	"testing"
)

func TestComponents(t *testing.T) {
	t.Chdir("../../..")
	all, err := components()
	if err != nil {
		t.Fatal(err)
	}
	notices := map[string]string{}
	for _, c := range all {
		notices[c.name] += c.notice
	}
	for _, name := range []string{
		"Go", "github.com/go-chi/chi/v5", "github.com/jackc/pgx/v5", "github.com/riverqueue/river",
		"github.com/google/generative-ai-go", "swagger-ui", "redoc.standalone.js",
	} {
		if len(notices[name]) < 100 {
			t.Errorf("notice of %s has %d bytes, want a licence", name, len(notices[name]))
		}
	}
	for name := range notices {
		if strings.HasPrefix(name, "github.com/chromedp") {
			t.Errorf("%s is listed, but only tests use it", name)
		}
	}
}

// A binary with such a library would have to be released under that licence.
func TestComponents_NoCopyleft(t *testing.T) {
	t.Chdir("../../..")
	all, err := components()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		for _, title := range []string{"GNU GENERAL PUBLIC LICENSE", "GNU LESSER GENERAL PUBLIC LICENSE", "GNU AFFERO GENERAL PUBLIC LICENSE"} {
			if strings.Contains(c.notice, title) {
				t.Errorf("%s is under the %s", c.name, title)
			}
		}
	}
}

func TestIsNotice(t *testing.T) {
	for name, want := range map[string]bool{
		"LICENSE": true, "LICENSE.txt": true, "license.md": true, "COPYING": true, "NOTICE": true, "PATENTS": true,
		"license.go": false, "README.md": false, "main.go": false,
	} {
		if got := isNotice(name); got != want {
			t.Errorf("isNotice(%q) = %v, want %v", name, got, want)
		}
	}
}
