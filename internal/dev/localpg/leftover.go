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

// stopLeftoverServer stops a server whose owner was killed. The caller holds the
// folder's lock, so the owner is dead. The server may already be stopping.
func stopLeftoverServer(ctx context.Context, data string) error {
	file := filepath.Join(data, "postmaster.pid")
	pid, err := readPID(file)
	if err != nil || pid == 0 {
		return err
	}
	if !isServerOf(ctx, pid, data) {
		return removeStalePIDFile(file, pid)
	}
	for _, step := range []struct {
		signal  syscall.Signal
		timeout time.Duration
	}{{syscall.SIGINT, 20 * time.Second}, {syscall.SIGQUIT, 5 * time.Second}, {syscall.SIGKILL, 5 * time.Second}} {
		_ = syscall.Kill(pid, step.signal) // fails only if the process has ended
		if waitForExit(ctx, step.timeout, pid, data) {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("wait for the database of an earlier run with pid %d to end: %w", pid, context.Cause(ctx))
		}
	}
	return fmt.Errorf("the database of an earlier run with pid %d does not end", pid)
}

// waitForExit reports whether the server ended within the timeout.
func waitForExit(ctx context.Context, timeout time.Duration, pid int, data string) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for isServerOf(ctx, pid, data) {
		if sleepPollInterval(ctx) != nil {
			return false
		}
	}
	return true
}

// removeStalePIDFile removes a postmaster.pid if an unrelated process now has the
// pid of the dead server. PostgreSQL would refuse to start because of it. If no
// process has the pid, PostgreSQL handles the file itself.
func removeStalePIDFile(file string, pid int) error {
	if syscall.Kill(pid, 0) != nil {
		return nil
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the pid file of an earlier run: %w", err)
	}
	return nil
}

// readPID returns the pid in a postmaster.pid. It returns 0 if there is no file or
// no valid pid.
func readPID(file string) (int, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the pid of an earlier run: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid < 2 {
		return 0, nil // PostgreSQL reports an invalid file when it starts
	}
	return pid, nil
}
