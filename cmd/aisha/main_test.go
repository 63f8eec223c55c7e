package main

import (
	"errors"
	"strings"
	"testing"
)

func TestRun_help(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"help":          "Aisha: a waiting list",
		"--help":        "Aisha: a waiting list",
		"-h":            "Aisha: a waiting list",
		"serve --help":  "Usage: aisha serve",
		"serve -h":      "Usage: aisha serve",
		"help serve":    "Usage: aisha serve",
		"migrate -help": "Usage: aisha migrate",
		"dev --help":    "Usage: aisha dev",
		"health --help": "Usage: aisha health",
		"version -h":    "Usage: aisha version",
		"version":       "aisha dev",
		"--version":     "aisha dev",
		"-v":            "aisha dev",
	} {
		var out strings.Builder
		if err := run(t.Context(), strings.Fields(args), &out); err != nil || !strings.HasPrefix(out.String(), want) {
			t.Errorf("aisha %s: got %q, error %v, want the prefix %q", args, out.String(), err, want)
		}
	}
}

func TestRun_wrong_usage(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"":               "no command",
		"nonsense":       `unknown command "nonsense"`,
		"--nonsense":     `unknown command "--nonsense"`,
		"help nonsense":  `unknown command "nonsense"`,
		"serve now":      `serve takes no arguments, but got "now"`,
		"version --json": `version takes no arguments, but got "--json"`,
		"Serve":          `unknown command "Serve"`,
	} {
		var out strings.Builder
		err := run(t.Context(), strings.Fields(args), &out)
		if !errors.Is(err, errUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("aisha %s: got error %v, want wrong usage with %q", args, err, want)
		}
		if out.String() != "" {
			t.Errorf("aisha %s: got output %q, want none", args, out.String())
		}
	}
}

// The list of all commands and the help of each command belong together.
func TestCommandHelp(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(usage) {
		name, found := strings.CutPrefix(line, "  aisha ")
		if name, _, _ = strings.Cut(name, " "); !found || name == "help" {
			continue
		}
		if help, found := commandHelp(name); !found || !strings.HasPrefix(help, "Usage: aisha "+name+"\n") {
			t.Errorf("%s: got help %q, want one that begins with its usage", name, help)
		}
	}
}
