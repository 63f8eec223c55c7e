package localpg

import (
	"bufio"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestServerEndsWhenItsOwnerIsKilled(t *testing.T) {
	t.Parallel()
	tests := map[string]fs.FileMode{"with a folder open to all": 0o755, "with a closed folder": 0o700}
	for name, mode := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.Chmod(filepath.Dir(dir), mode); err != nil {
				t.Fatal(err)
			}
			owner, server := startOwner(t, dir)

			if err := owner.Kill(); err != nil {
				t.Fatal(err)
			}
			data := filepath.Join(dir, "data")
			await(t, "the server ends", func() bool { return !serves(t.Context(), server, data) })

			// An orderly end removes the file that a crash leaves.
			await(t, "the server ends in order", func() bool {
				_, err := os.Stat(filepath.Join(data, "postmaster.pid"))
				return os.IsNotExist(err)
			})
		})
	}
}

func TestStartRightAfterTheOwnerWasKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	owner, _ := startOwner(t, dir)
	if err := owner.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.Wait(); err != nil {
		t.Fatal(err)
	}
	store(t, run(t, Options{Dir: dir}), "works")
}

// startOwner runs a process that owns a cluster and returns the server's pid.
func startOwner(t *testing.T, dir string) (*os.Process, int) {
	t.Helper()
	owner := exec.CommandContext(t.Context(), os.Args[0])
	owner.Env = append(os.Environ(), holdDir+"="+dir)
	output, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Process.Kill(); _ = owner.Wait() })

	line, _ := bufio.NewReader(output).ReadString('\n')
	server, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the owner said %q, want the server's pid", line)
	}
	return owner.Process, server
}
