// Package e2e tests the built binary as a separate process, with a real PostgreSQL
// server and with the simulator in place of Meta and Google.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"aisha/internal/check/testdb"
)

// binary is the path of the program under test, built with the race detector.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "aisha-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "aisha")
	build := exec.Command("go", "build", "-race", "-o", binary, "aisha/cmd/aisha")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	err = build.Run()
	if err == nil {
		testdb.Main(m)
	}
	_ = os.RemoveAll(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the program under test:", err)
		os.Exit(1)
	}
}
