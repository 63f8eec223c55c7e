package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var errLocked = errors.New("locked by another process")

// lockDir makes this process the one that uses the folder.
func lockDir(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	lock, err := tryLock(path)
	if errors.Is(err, errLocked) {
		holder, _ := os.ReadFile(path)
		return nil, fmt.Errorf("the database in %s is already running with pid %s", dir, strings.TrimSpace(string(holder)))
	}
	if err != nil {
		return nil, fmt.Errorf("lock the database's folder: %w", err)
	}
	if err := sign(lock); err != nil {
		return nil, fmt.Errorf("sign the lock of the database's folder: %w", errors.Join(err, lock.Close()))
	}
	return lock, nil
}

// tryLock locks the file or returns errLocked. The lock ends with us, however
// we end, so it cannot be stale as a file with a number can.
func tryLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errLocked
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// sign writes who holds the lock, for the error that others get.
func sign(lock *os.File) error {
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err := lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// endLeftover ends a server whose owner was killed. We hold the folder's lock,
// so the owner is gone, and the server is ending already or never will.
func endLeftover(ctx context.Context, data string) error {
	file := filepath.Join(data, "postmaster.pid")
	pid, err := readPID(file)
	if err != nil || pid == 0 {
		return err
	}
	if !serves(ctx, pid, data) {
		return forget(file, pid)
	}
	for _, step := range []struct {
		signal   syscall.Signal
		patience time.Duration
	}{{syscall.SIGINT, 20 * time.Second}, {syscall.SIGQUIT, 5 * time.Second}, {syscall.SIGKILL, 5 * time.Second}} {
		_ = syscall.Kill(pid, step.signal) // fails only where the process has ended
		if awaitEnd(ctx, step.patience, pid, data) {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("wait for a database of an earlier run, pid %d, to end: %w", pid, context.Cause(ctx))
		}
	}
	return fmt.Errorf("a database of an earlier run, pid %d, does not end", pid)
}

func awaitEnd(ctx context.Context, patience time.Duration, pid int, data string) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for serves(ctx, pid, data) {
		if pause(ctx) != nil {
			return false
		}
	}
	return true
}

// forget removes a file that names a process of somebody else, which got the
// number of a dead server; PostgreSQL would refuse to start because of it. The
// file of a dead server stays, as PostgreSQL deals with it better than we can.
func forget(file string, pid int) error {
	if syscall.Kill(pid, 0) != nil {
		return nil
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove what an earlier run left: %w", err)
	}
	return nil
}

// readPID is the process that stands in a postmaster.pid; 0 means none.
func readPID(file string) (int, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look for a database of an earlier run: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid < 2 {
		return 0, nil // not a postmaster's file: PostgreSQL will say what is wrong with it
	}
	return pid, nil
}
