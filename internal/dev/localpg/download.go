package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// availableDirs returns the folders with a PostgreSQL server. It downloads a
// server if none is installed.
func (c *Cluster) availableDirs(ctx context.Context, from programSource) ([]string, error) {
	downloaded := filepath.Join(c.options.DownloadDir, "postgresql")
	candidates := append(slices.Clone(from.dirs), filepath.Join(downloaded, "bin"))
	if dirs := dirsWithServer(candidates); len(dirs) > 0 {
		return dirs, nil
	}
	c.options.Log.InfoContext(ctx, "postgresql is not installed, downloading it", "folder", downloaded)
	if err := download(ctx, downloadOptions{folder: downloaded, repository: from.repository, log: c.options.Log}); err != nil {
		return nil, fmt.Errorf("PostgreSQL is not installed and its download failed (%w); %s", err, installAdvice)
	}
	return dirsWithServer(candidates), nil
}

// downloadOptions say what to download, and where to.
type downloadOptions struct {
	folder     string // of the programs
	repository string // the Maven repository; empty: the public one
	log        *slog.Logger
}

// download installs PostgreSQL's programs in the folder, completely or not at
// all. The library cannot be interrupted, so it keeps running in the background
// if ctx ends. The next download removes its files.
func download(ctx context.Context, o downloadOptions) error {
	if err := os.MkdirAll(filepath.Dir(o.folder), 0o755); err != nil { //nolint:gosec // the server's user must be able to enter
		return err
	}
	lock, err := waitForLock(ctx, o.folder+".lock")
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- errors.Join(downloadOnce(ctx, o), lock.Close()) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func waitForLock(ctx context.Context, path string) (*os.File, error) {
	for {
		lock, err := tryLock(path)
		if !errors.Is(err, errLocked) {
			return lock, err
		}
		if err := sleepPollInterval(ctx); err != nil {
			return nil, fmt.Errorf("wait for another download: %w", err)
		}
	}
}

// downloadOnce downloads the programs, unless another process did so while this
// one waited for the lock.
func downloadOnce(ctx context.Context, o downloadOptions) error {
	if _, err := os.Stat(o.folder); err == nil {
		return nil
	}
	staging := o.folder + ".part"
	if err := os.RemoveAll(staging); err != nil {
		return err
	}
	proxy, err := startProgressProxy(ctx, o.repository, o.log)
	if err != nil {
		return err
	}
	err = downloadWithLibrary(ctx, filepath.Join(staging, "programs"), staging, proxy.url)
	if proxyErr := proxy.Close(); err != nil && proxyErr != nil {
		err = proxyErr
	}
	if err == nil {
		err = os.Rename(filepath.Join(staging, "programs"), o.folder)
	}
	return errors.Join(err, os.RemoveAll(staging))
}

// downloadWithLibrary lets the library download and unpack the programs. The
// library does that only while it starts a server, so this function sets a locale
// that does not exist, which makes the start fail after the download.
func downloadWithLibrary(ctx context.Context, programs, staging, repository string) error {
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	runtime := filepath.Join(staging, "runtime")
	config := embeddedpostgres.DefaultConfig().
		Port(uint32(port)).
		CachePath(filepath.Join(staging, "archive")).
		BinariesPath(programs).
		RuntimePath(runtime).
		Locale("none").
		BinaryRepositoryURL(repository).
		Logger(io.Discard)
	defer removeNewLogs(libraryLogs())
	database := embeddedpostgres.NewDatabase(config)
	if err = database.Start(); err == nil {
		return database.Stop()
	}
	// The library creates this folder after it has unpacked everything.
	if _, missing := os.Stat(runtime); missing != nil {
		return err
	}
	return nil
}

// libraryLogs returns the library's log files in the folder for temporary files.
// The library never removes them.
func libraryLogs() []string {
	logs, _ := filepath.Glob(filepath.Join(os.TempDir(), "embedded_postgres_log*"))
	return logs
}

func removeNewLogs(old []string) {
	for _, log := range libraryLogs() {
		if !slices.Contains(old, log) {
			_ = os.Remove(log)
		}
	}
}
