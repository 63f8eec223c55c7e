package localpg

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"aisha/internal/sensitive"
)

const (
	// passwordFile is inside of the data folder, so that both are moved and
	// removed together.
	passwordFile = "aisha.password"
	// stagingPrefix is the prefix of folders in which data are being created.
	stagingPrefix = "init-"
)

// initialize creates the data folder if there is none, and reads the password.
func (c *Cluster) initialize(ctx context.Context) error {
	owner, err := ownerOf(c.dataDir())
	if err != nil {
		return fmt.Errorf("check the database's data: %w", err)
	}
	switch {
	case owner == nil:
		c.options.Log.InfoContext(ctx, "creating the database", "folder", c.options.Dir)
		err = c.createData(ctx)
	case owner.Uid == 0:
		err = c.programs.chownToServerUser(c.dataDir()) // root copied the data to this folder
	}
	if err != nil {
		return fmt.Errorf("prepare the database: %w", err)
	}
	password, err := os.ReadFile(filepath.Join(c.dataDir(), passwordFile))
	if err != nil {
		return fmt.Errorf("read the database's password: %w", err)
	}
	c.password = sensitive.NewSecret(string(password))
	return nil
}

// createData creates the data in a staging folder and renames it when it is
// complete. An interrupted start therefore leaves no incomplete data folder.
func (c *Cluster) createData(ctx context.Context) error {
	if err := c.removeStagingDirs(); err != nil {
		return err
	}
	staging, err := os.MkdirTemp(c.options.Dir, stagingPrefix)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(staging) }()

	password, data := filepath.Join(staging, "password"), filepath.Join(staging, "data")
	if err := os.WriteFile(password, []byte(rand.Text()), 0o600); err != nil {
		return err
	}
	if err := c.programs.chownToServerUser(staging); err != nil {
		return err
	}
	if err := c.initdb(ctx, data, password); err != nil {
		return err
	}
	if err := os.Rename(password, filepath.Join(data, passwordFile)); err != nil {
		return err
	}
	return c.installData(data)
}

// removeStagingDirs removes the staging folders of interrupted starts.
func (c *Cluster) removeStagingDirs() error {
	entries, err := os.ReadDir(c.options.Dir)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), stagingPrefix) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(c.options.Dir, entry.Name())))
		}
	}
	return err
}

func (c *Cluster) initdb(ctx context.Context, data, password string) error {
	args := []string{
		"--pgdata=" + data,
		"--username=" + superuser, "--pwfile=" + password, "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=C", "--no-instructions",
	}
	if !c.options.Durable {
		args = append(args, "--no-sync")
	}
	// Pdeathsig ends the child when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	output, err := c.programs.command(ctx, "initdb", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w; its output:\n%s", err, output)
	}
	return nil
}

// installData renames the data to their final name. A durable cluster syncs all
// files to disk before that.
func (c *Cluster) installData(data string) error {
	if !c.options.Durable {
		return os.Rename(data, c.dataDir())
	}
	// initdb has already synced its own files.
	if err := errors.Join(syncPath(filepath.Join(data, passwordFile)), syncPath(data)); err != nil {
		return err
	}
	if err := os.Rename(data, c.dataDir()); err != nil {
		return err
	}
	return syncPath(c.options.Dir)
}

// syncPath syncs a file, or the entries of a folder, to disk.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
