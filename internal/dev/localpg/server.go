package localpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

var (
	errPortTaken   = errors.New("the database's port is taken by another program")
	errMemoryInUse = errors.New("processes of the database's last run are still ending")
)

// server is the postmaster process, a child of this process.
type server struct {
	process *os.Process
	logPath string
	exited  chan struct{} // closed when the process has ended and err is set
	err     error
}

// startServer starts postgres directly and not with pg_ctl, so that the server is
// a child of this process.
func startServer(p programs, data, log string, settings map[string]string) (*server, error) {
	args := []string{"-D", data}
	for name, value := range settings {
		args = append(args, "-c", name+"="+value)
	}
	output, err := createLog(log)
	if err != nil {
		return nil, fmt.Errorf("create the database's log: %w", err)
	}
	defer func() { _ = output.Close() }() // the server has its own file descriptor

	cmd := p.command(context.Background(), "postgres", args...)
	cmd.Stdout, cmd.Stderr = output, output
	s := &server{logPath: log, exited: make(chan struct{})}
	if err := s.startProcess(cmd); err != nil {
		return nil, fmt.Errorf("start the database: %w", err)
	}
	s.process = cmd.Process
	return s, nil
}

// createLog creates or empties the server's log. Statements in it contain messages
// and phone numbers, so only the owner can read it, also if an earlier version
// created it.
func createLog(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Chmod(0o600); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// startProcess starts the command and waits for its end in the background.
func (s *server) startProcess(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		// Pdeathsig fires when the thread that started the child ends, so this
		// thread must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()

		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		s.err = cmd.Wait()
		close(s.exited)
	}()
	return <-started
}

// stop disconnects all clients, writes a checkpoint and ends the server. If that
// takes too long, it kills the server and returns an error.
func (s *server) stop() error {
	if s.signalAndWait(syscall.SIGINT, 15*time.Second) {
		return nil
	}
	return errors.Join(errors.New("the database did not stop in time and was killed"), s.kill())
}

// kill makes the server end all its processes at once, without a checkpoint. It
// sends SIGQUIT first: SIGKILL ends only the postmaster, and its sessions could
// still commit.
func (s *server) kill() error {
	if s.signalAndWait(syscall.SIGQUIT, 5*time.Second) || s.signalAndWait(syscall.SIGKILL, 5*time.Second) {
		return nil
	}
	return fmt.Errorf("the database's process %d cannot be killed", s.process.Pid)
}

// signalAndWait sends the signal and reports whether the server ended in time.
func (s *server) signalAndWait(signal os.Signal, timeout time.Duration) bool {
	_ = s.process.Signal(signal) // fails only if the process has ended
	select {
	case <-s.exited:
		return true
	case <-time.After(timeout):
		return false
	}
}

// startError returns why the server ended during its start. PostgreSQL reports the
// reason only in its log. The texts are English because lc_messages is C.
func (s *server) startError() error {
	tail := s.logTail()
	switch {
	case bytes.Contains(tail, []byte("could not create any TCP/IP sockets")):
		return errPortTaken
	case bytes.Contains(tail, []byte("pre-existing shared memory block")):
		return errMemoryInUse
	default:
		return fmt.Errorf("the database ended during its start: %w; its log ends with:\n%s", s.err, tail)
	}
}

// logTail returns the end of the server's log.
func (s *server) logTail() []byte {
	const maxBytes = 4096
	text, err := os.ReadFile(s.logPath)
	if err != nil {
		return []byte(err.Error())
	}
	return text[max(0, len(text)-maxBytes):]
}
