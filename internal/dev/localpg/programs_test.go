package localpg

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFindPrograms(t *testing.T) {
	t.Parallel()
	t.Run("data_of_another_version_names_both_versions", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("9\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Start(t.Context(), Options{Dir: dir})
		checkError(t, err, "made by PostgreSQL 9", "there is only version 1", "remove that folder")
	})
}

func TestProbePrograms(t *testing.T) {
	t.Parallel()
	t.Run("works_in_a_folder_with_a_closed_parent", func(t *testing.T) {
		t.Parallel()
		parent := filepath.Join(t.TempDir(), "closed")
		if err := os.Mkdir(parent, 0o700); err != nil {
			t.Fatal(err)
		}
		o := Options{Dir: filepath.Join(parent, "it's a folder [1]")}
		first := startCluster(t, o)
		if closed := os.Geteuid() == 0; first.programs.bypassPermissions != closed {
			t.Errorf("bypassPermissions = %t, want %t", first.programs.bypassPermissions, closed)
		}
		storeValue(t, first, "unchanged")
		if err := first.Stop(); err != nil {
			t.Fatalf("Stop: %v", err)
		}
		checkStored(t, startCluster(t, o), "unchanged")
	})
	t.Run("bypasses_permissions_only_if_needed", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if c := startCluster(t, Options{Dir: dir}); c.programs.bypassPermissions {
			t.Error("bypassPermissions = true, want false for a folder that is open to all")
		}
	})
}
