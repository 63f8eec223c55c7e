// Command with starts a PostgreSQL server for tests, runs another command with the
// URL of the server in AISHA_TEST_DATABASE_URL, and stops the server:
//
//	go run ./internal/check/testdb/with go test ./...
//
// It exits with the exit code of the command and removes all files of the server.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"aisha/internal/check/testdb"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: with command [argument ...]")
		os.Exit(2)
	}
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "with:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// run returns the exit code of the command. It returns an error if the server or
// the command could not be started or stopped, but not if the command failed.
func run(command []string) (code int, err error) {
	// The buffer keeps a signal that arrives after start until the command runs.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)

	server, err := start()
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()

	cmd := exec.CommandContext(context.Background(), command[0], command[1:]...) // wait forwards signals instead of canceling
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), testdb.URLVariable+"="+server.URL())
	if err := cmd.Start(); err != nil {
		return 127, err
	}
	return wait(cmd, signals)
}

// start starts the server. It stops starting it when a signal arrives.
func start() (*testdb.Server, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return testdb.StartServer(ctx)
}

// wait forwards signals to the command and waits until it exits. It does not stop
// earlier on a signal, because the command needs the server until it exits.
func wait(cmd *exec.Cmd, signals <-chan os.Signal) (int, error) {
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // fails only if the command has already exited
		case err := <-exited:
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return 1, err
			}
			return exitCode(cmd.ProcessState), nil
		}
	}
}

// exitCode returns the exit code that a shell would report: 128 plus the signal
// number for a command that was killed by a signal.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
