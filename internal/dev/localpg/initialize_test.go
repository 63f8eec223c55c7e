package localpg

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestInitialize(t *testing.T) {
	t.Parallel()
	t.Run("removes_interrupted_initdb", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		staging := func() []string {
			found, _ := filepath.Glob(filepath.Join(dir, stagingPrefix+"*", "data", "*"))
			return found
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		failed := make(chan error, 1)
		go func() {
			_, err := Start(ctx, Options{Dir: dir})
			failed <- err
		}()
		waitUntil(t, "initdb has started", func() bool { return len(staging()) > 0 })
		cancel()
		if err := <-failed; err == nil {
			t.Fatal("an interrupted Start returned no error")
		}
		// SIGKILL leaves an incomplete folder like this one.
		if err := os.MkdirAll(filepath.Join(dir, stagingPrefix+"x", "data", "base"), 0o700); err != nil {
			t.Fatal(err)
		}
		storeValue(t, startCluster(t, Options{Dir: dir}), "a complete cluster")
		if left := staging(); len(left) > 0 {
			t.Errorf("staging folders %q are left, want none", left)
		}
	})
	t.Run("takes_over_copied_data", func(t *testing.T) {
		t.Parallel()
		o := Options{Dir: t.TempDir()}
		first := startCluster(t, o)
		storeValue(t, first, "copied")
		if err := first.Stop(); err != nil {
			t.Fatal(err)
		}
		ours := programs{user: &syscall.Credential{Uid: uint32(os.Geteuid()), Gid: uint32(os.Getegid())}}
		if err := ours.chownToServerUser(first.dataDir()); err != nil {
			t.Fatal(err)
		}
		checkStored(t, startCluster(t, o), "copied")
	})
}
