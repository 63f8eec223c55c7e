package localpg

import (
	"os"
	"path/filepath"
	"testing"
)

func TestStart_log_is_private(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "postgres.log")
	if err := os.WriteFile(path, []byte("of an earlier version"), 0o644); err != nil {
		t.Fatal(err)
	}
	startCluster(t, Options{Dir: dir})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("postgres.log has mode %o, want 600", got)
	}
}
