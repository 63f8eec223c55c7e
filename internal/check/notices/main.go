// Command notices prints the licence notices of everything that the binary
// contains: Go, the modules that cmd/aisha is built from, and the scripts of the
// documentation pages.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

// run prints the notices. It must be started in the root of the repository.
func run(out io.Writer) error {
	components, err := components()
	if err != nil {
		return err
	}
	for _, c := range components {
		if _, err := fmt.Fprintf(out, "%s\n%s %s\n\n%s\n\n", strings.Repeat("=", 78), c.name, c.version, c.notice); err != nil {
			return fmt.Errorf("print a notice: %w", err)
		}
	}
	return nil
}

// component is something with a licence of its own.
type component struct {
	name, version string
	notice        string
}

// components lists everything that the binary contains, sorted by name.
func components() ([]component, error) {
	modules, err := listModules("aisha/cmd/aisha")
	if err != nil {
		return nil, err
	}
	goroot, err := output("go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	modules = append(modules, module{Path: "Go", Version: runtime.Version(), Dir: strings.TrimSpace(string(goroot))})
	var all []component
	for _, m := range modules {
		notice, err := readNotice(m.Dir)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", m.Path, m.Version, err)
		}
		all = append(all, component{name: m.Path, version: m.Version, notice: notice})
	}
	scripts, err := documentationScripts("api/docs")
	if err != nil {
		return nil, err
	}
	all = append(all, scripts...)
	slices.SortStableFunc(all, func(a, b component) int { return cmp.Compare(a.name, b.name) })
	return all, nil
}

// documentationScripts returns the notices of the scripts in a directory. Each
// file is named for its script: redoc.LICENSE.txt is one of redoc.
func documentationScripts(dir string) ([]component, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list the scripts of the documentation: %w", err)
	}
	var all []component
	for _, entry := range entries {
		script, _, found := strings.Cut(strings.ReplaceAll(entry.Name(), ".NOTICE.txt", ".LICENSE.txt"), ".LICENSE.txt")
		if !found {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("read a notice: %w", err)
		}
		all = append(all, component{name: script, notice: strings.TrimSpace(string(text))})
	}
	return all, nil
}

type module struct{ Path, Version, Dir string }

// listModules returns the modules that the packages of the command come from,
// without the main module.
func listModules(command string) ([]module, error) {
	listed, err := output("go", "list", "-deps", "-json=Module", command)
	if err != nil {
		return nil, err
	}
	byPath := map[string]module{}
	for decoder := json.NewDecoder(bytes.NewReader(listed)); ; {
		var p struct {
			Module *struct {
				module
				Main bool
			}
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read the output of go list: %w", err)
		}
		if p.Module != nil && !p.Module.Main {
			byPath[p.Module.Path] = p.Module.module
		}
	}
	var modules []module
	for _, m := range byPath {
		modules = append(modules, m)
	}
	return modules, nil
}

// readNotice joins the licence, notice and patent files of a directory. Some
// projects have several of them.
func readNotice(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("list the files of the module: %w", err)
	}
	var texts []string
	for _, entry := range entries {
		if entry.IsDir() || !isNotice(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return "", fmt.Errorf("read a notice: %w", err)
		}
		texts = append(texts, strings.TrimSpace(string(text)))
	}
	if len(texts) == 0 {
		return "", errors.New("has no licence file")
	}
	return strings.Join(texts, "\n\n"), nil
}

// isNotice reports whether a file name is one of those that hold a licence.
func isNotice(name string) bool {
	name = strings.ToUpper(name)
	if ext := filepath.Ext(name); ext == ".GO" {
		return false
	}
	for _, prefix := range []string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS", "UNLICENSE"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func output(name string, args ...string) ([]byte, error) {
	command := exec.CommandContext(context.Background(), name, args...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("run %s %s: %w", name, strings.Join(args, " "), err)
	}
	return out, nil
}
