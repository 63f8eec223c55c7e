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

func TestProcessAttributes_OwnerKilled(t *testing.T) {
	t.Parallel()
	tests := map[string]fs.FileMode{"folder_open_to_all": 0o755, "folder_closed_to_others": 0o700}
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
			waitUntil(t, "the server has ended", func() bool { return !isServerOf(t.Context(), server, data) })

			// A clean shutdown removes this file; a crash does not.
			waitUntil(t, "the server removes its pid file", func() bool {
				_, err := os.Stat(filepath.Join(data, "postmaster.pid"))
				return os.IsNotExist(err)
			})
		})
	}
}

func TestStart_RightAfterOwnerKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	owner, _ := startOwner(t, dir)
	if err := owner.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.Wait(); err != nil {
		t.Fatal(err)
	}
	storeValue(t, startCluster(t, Options{Dir: dir}), "works")
}

// startOwner starts a process that runs a cluster. It also returns the server's
// pid.
func startOwner(t *testing.T, dir string) (*os.Process, int) {
	t.Helper()
	owner := exec.CommandContext(t.Context(), os.Args[0])
	owner.Env = append(os.Environ(), ownerDirVar+"="+dir)
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
		t.Fatalf("the owner printed %q, want the server's pid", line)
	}
	return owner.Process, server
}
