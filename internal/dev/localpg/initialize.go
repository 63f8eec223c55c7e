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
	// passwordFile lies among the data, so that neither gets lost alone.
	passwordFile = "aisha.password"
	// staged begins the names of folders that are data in the making.
	staged = "init-"
)

// initialize makes the data where there are none and learns the password.
func (c *Cluster) initialize(ctx context.Context) error {
	owner, err := ownerOf(c.data())
	if err != nil {
		return fmt.Errorf("look for the database's data: %w", err)
	}
	switch {
	case owner == nil:
		c.options.Log.InfoContext(ctx, "preparing the database", "folder", c.options.Dir)
		err = c.create(ctx)
	case owner.Uid == 0:
		err = c.programs.handOver(c.data()) // root has copied the data here
	}
	if err != nil {
		return fmt.Errorf("prepare the database: %w", err)
	}
	password, err := os.ReadFile(filepath.Join(c.data(), passwordFile))
	if err != nil {
		return fmt.Errorf("read the database's password: %w", err)
	}
	c.password = sensitive.NewSecret(string(password))
	return nil
}

// create makes the data elsewhere and gives them their name when they are
// complete, so that an interrupted start leaves nothing half made.
func (c *Cluster) create(ctx context.Context) error {
	if err := c.sweep(); err != nil {
		return err
	}
	staging, err := os.MkdirTemp(c.options.Dir, staged)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(staging) }()

	password, data := filepath.Join(staging, "password"), filepath.Join(staging, "data")
	if err := os.WriteFile(password, []byte(rand.Text()), 0o600); err != nil {
		return err
	}
	if err := c.programs.handOver(staging); err != nil {
		return err
	}
	if err := c.initdb(ctx, data, password); err != nil {
		return err
	}
	if err := os.Rename(password, filepath.Join(data, passwordFile)); err != nil {
		return err
	}
	return c.publish(data)
}

// sweep removes what interrupted starts have left.
func (c *Cluster) sweep() error {
	entries, err := os.ReadDir(c.options.Dir)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), staged) {
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
	// The kernel ends the child with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	output, err := c.programs.command(ctx, "initdb", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w; it said:\n%s", err, output)
	}
	return nil
}

// publish gives the data their name, once the disk has all of them.
func (c *Cluster) publish(data string) error {
	if !c.options.Durable {
		return os.Rename(data, c.data())
	}
	// initdb has written its own files to the disk.
	if err := errors.Join(toDisk(filepath.Join(data, passwordFile)), toDisk(data)); err != nil {
		return err
	}
	if err := os.Rename(data, c.data()); err != nil {
		return err
	}
	return toDisk(c.options.Dir)
}

// toDisk waits until the disk has the file, or the folder's list of files.
func toDisk(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
