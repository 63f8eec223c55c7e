package localpg

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestStopLeftoverServer(t *testing.T) {
	t.Parallel()
	t.Run("ignores_pid_of_unrelated_process", func(t *testing.T) {
		t.Parallel()
		o := Options{Dir: t.TempDir()}
		first := startCluster(t, o)
		file := filepath.Join(first.dataDir(), "postmaster.pid")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := first.Stop(); err != nil {
			t.Fatalf("Stop: %v", err)
		}
		other := exec.CommandContext(t.Context(), "sleep", "600")
		other.SysProcAttr = programs{user: first.programs.user}.processAttributes()
		if err := other.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = other.Process.Kill(); _ = other.Wait() })

		_, rest, _ := strings.Cut(string(text), "\n")
		if err := os.WriteFile(file, []byte(strconv.Itoa(other.Process.Pid)+"\n"+rest), 0o600); err != nil {
			t.Fatal(err)
		}
		startCluster(t, o)
		if err := other.Process.Signal(syscall.Signal(0)); err != nil {
			t.Errorf("the unrelated process has ended: %v", err)
		}
	})
}
