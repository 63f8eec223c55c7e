package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// available are the folders with a server; it downloads one if there is none.
func (c *Cluster) available(ctx context.Context, from source) ([]string, error) {
	downloaded := filepath.Join(c.options.DownloadDir, "postgresql")
	candidates := append(slices.Clone(from.dirs), filepath.Join(downloaded, "bin"))
	if dirs := withServer(candidates); len(dirs) > 0 {
		return dirs, nil
	}
	c.options.Log.InfoContext(ctx, "PostgreSQL is not installed; downloading it", "folder", downloaded)
	if err := download(ctx, downloaded, from.repository); err != nil {
		return nil, fmt.Errorf("PostgreSQL is not installed and its download failed (%w); %s", err, advice)
	}
	return withServer(candidates), nil
}

// download puts PostgreSQL's programs into the folder, whole or not at all.
// The library it uses cannot be interrupted, so it is left behind where the
// context ends; the next download removes what it has written.
func download(ctx context.Context, folder, repository string) error {
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil { //nolint:gosec // the server's user has to get through
		return err
	}
	lock, err := awaitLock(ctx, folder+".lock")
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- errors.Join(fetch(ctx, folder, repository), lock.Close()) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func awaitLock(ctx context.Context, path string) (*os.File, error) {
	for {
		lock, err := tryLock(path)
		if !errors.Is(err, errLocked) {
			return lock, err
		}
		if err := pause(ctx); err != nil {
			return nil, fmt.Errorf("wait for another download: %w", err)
		}
	}
}

// fetch downloads the programs unless another process has done it meanwhile.
func fetch(ctx context.Context, folder, repository string) error {
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	staging := folder + ".part"
	if err := os.RemoveAll(staging); err != nil {
		return err
	}
	err := unpack(ctx, filepath.Join(staging, "programs"), staging, repository)
	if err == nil {
		err = os.Rename(filepath.Join(staging, "programs"), folder)
	}
	return errors.Join(err, os.RemoveAll(staging))
}

// unpack has the library download the programs. It offers that as the beginning
// of a start only, so the start is made to fail right after it, by a locale
// that does not exist.
func unpack(ctx context.Context, programs, staging, repository string) error {
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
		Logger(io.Discard)
	if repository != "" {
		config = config.BinaryRepositoryURL(repository)
	}
	defer removeNewLogs(libraryLogs())
	database := embeddedpostgres.NewDatabase(config)
	if err = database.Start(); err == nil {
		return database.Stop()
	}
	// The library makes this folder once everything is unpacked.
	if _, missing := os.Stat(runtime); missing != nil {
		return err
	}
	return nil
}

// libraryLogs are the files that the library makes in the folder for temporary
// files and never removes.
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
