package localpg

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

var errLocked = errors.New("locked by another process")

// lockDir locks the cluster's folder for this process. The error names the
// process that holds the lock.
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
	if err := writePID(lock); err != nil {
		return nil, fmt.Errorf("write the pid to the lock of the database's folder: %w", errors.Join(err, lock.Close()))
	}
	return lock, nil
}

// tryLock locks a file or returns errLocked. The kernel releases the lock when
// this process ends, so unlike a file with a pid it is never stale.
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

// writePID writes our pid into the lock file, for the error message of other
// processes.
func writePID(lock *os.File) error {
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err := lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}
