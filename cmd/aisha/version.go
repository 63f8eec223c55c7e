package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// Set by the linker; see the Makefile.
var (
	version = "dev"
	commit  = "" //nolint:gochecknoglobals // the linker sets variables only
)

func printVersion(out io.Writer) error {
	_, err := fmt.Fprintf(out, "aisha %s (commit %s, %s)\n", version, revision(), runtime.Version())
	return err
}

// revision returns the commit that the binary was built from, or "unknown".
func revision() string {
	if commit != "" {
		return commit
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return setting.Value
			}
		}
	}
	return "unknown"
}
