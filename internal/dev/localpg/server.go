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

// server is the postmaster, our child.
type server struct {
	process *os.Process
	log     string
	exited  chan struct{} // closed when the process has ended; guards err
	err     error
}

// launch starts the server itself and not pg_ctl, so that its life is ours.
func launch(p programs, data, log string, settings map[string]string) (*server, error) {
	args := []string{"-D", data}
	for name, value := range settings {
		args = append(args, "-c", name+"="+value)
	}
	output, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("make the database's log: %w", err)
	}
	defer func() { _ = output.Close() }() // the server has its own copy

	cmd := p.command(context.Background(), "postgres", args...)
	cmd.Stdout, cmd.Stderr = output, output
	s := &server{log: log, exited: make(chan struct{})}
	if err := s.run(cmd); err != nil {
		return nil, fmt.Errorf("start the database: %w", err)
	}
	s.process = cmd.Process
	return s, nil
}

// run starts the command and waits for its end in the background.
func (s *server) run(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		// The kernel takes the end of the thread that started a child for the
		// death of the parent, so this thread must live as long as the child.
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

// stop disconnects all clients, writes a checkpoint and ends the server.
func (s *server) stop() error {
	if s.end(syscall.SIGINT, 15*time.Second) {
		return nil
	}
	return errors.Join(errors.New("the database did not stop in order and was killed"), s.crash())
}

// crash makes the server end its processes at once and without a checkpoint.
// A SIGKILL to the postmaster alone would leave sessions that still commit.
func (s *server) crash() error {
	if s.end(syscall.SIGQUIT, 5*time.Second) || s.end(syscall.SIGKILL, 5*time.Second) {
		return nil
	}
	return fmt.Errorf("the database's process %d cannot be killed", s.process.Pid)
}

// end sends the signal and reports whether the server has ended in time.
func (s *server) end(signal os.Signal, patience time.Duration) bool {
	_ = s.process.Signal(signal) // fails only where the process has ended
	select {
	case <-s.exited:
		return true
	case <-time.After(patience):
		return false
	}
}

// failure says why the server ended by itself. PostgreSQL tells it in its log
// only; the texts stand in English because lc_messages is C.
func (s *server) failure() error {
	tail := s.logTail()
	switch {
	case bytes.Contains(tail, []byte("could not create any TCP/IP sockets")):
		return errPortTaken
	case bytes.Contains(tail, []byte("pre-existing shared memory block")):
		return errMemoryInUse
	default:
		return fmt.Errorf("the database ended at its start: %w; its log ends with:\n%s", s.err, tail)
	}
}

func (s *server) logTail() []byte {
	const enough = 4096
	text, err := os.ReadFile(s.log)
	if err != nil {
		return []byte(err.Error())
	}
	return text[max(0, len(text)-enough):]
}
