package localpg

import (
	"os"
	"path/filepath"
	"testing"
)

func TestBinDir(t *testing.T) {
	t.Parallel()
	t.Run("has_a_server", func(t *testing.T) {
		t.Parallel()
		dir, err := BinDir()
		if err != nil {
			t.Fatalf("BinDir: %v", err)
		}
		if info, err := os.Stat(filepath.Join(dir, "postgres")); err != nil || !info.Mode().IsRegular() {
			t.Errorf("postgres in %s = %v, %v, want a program", dir, info, err)
		}
	})
}

func TestDirsWithServer(t *testing.T) {
	t.Parallel()
	t.Run("skips_folders_without_server", func(t *testing.T) {
		t.Parallel()
		empty, full := t.TempDir(), t.TempDir()
		for _, program := range []string{"initdb", "postgres"} {
			if err := os.WriteFile(filepath.Join(full, program), nil, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if got := dirsWithServer([]string{"", empty, full, full}); len(got) != 1 || got[0] != full {
			t.Errorf("dirsWithServer = %q, want only %q", got, full)
		}
	})
}
