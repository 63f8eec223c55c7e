package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// runMainVariable is an environment variable that makes the test binary run main
// instead of the tests.
const runMainVariable = "WITH_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(runMainVariable) != "" {
		main()
		return
	}
	m.Run()
}

// newWithCommand prepares `with sh -c script` and returns it with its directory for
// temporary files.
func newWithCommand(t *testing.T, script string) (cmd *exec.Cmd, tempDir string) {
	t.Helper()
	tempDir = t.TempDir()
	cmd = exec.CommandContext(t.Context(), os.Args[0], "sh", "-c", script)
	cmd.Env = append(os.Environ(), runMainVariable+"=1", "TMPDIR="+tempDir)
	cmd.Stderr = os.Stderr
	return cmd, tempDir
}

// checkCleanedUp checks that the directory is empty and the server is stopped.
func checkCleanedUp(t *testing.T, dir, server string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files left in the temporary directory: %v, %v, want none", left, err)
	}
	if conn, err := pgx.Connect(t.Context(), server); err == nil {
		_ = conn.Close(t.Context())
		t.Error("the server is still running")
	}
}

func TestRun_ReturnsExitCode(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		script string
		want   int
	}{
		"success":          {`echo "$AISHA_TEST_DATABASE_URL"`, 0},
		"failure":          {`echo "$AISHA_TEST_DATABASE_URL"; exit 7`, 7},
		"killed_by_signal": {`echo "$AISHA_TEST_DATABASE_URL"; kill -9 $$`, 137},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, dir := newWithCommand(t, test.script)
			output, err := cmd.Output()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if got := cmd.ProcessState.ExitCode(); got != test.want {
				t.Errorf("exit code = %d, want %d", got, test.want)
			}
			server := strings.TrimSpace(string(output))
			if !strings.HasPrefix(server, "postgres://") {
				t.Errorf("server URL = %q, want prefix postgres://", server)
			}
			checkCleanedUp(t, dir, server)
		})
	}
}

func TestRun_ForwardsSignals(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			cmd, dir := newWithCommand(t, `trap "echo stopping; exit 3" TERM INT; echo "$AISHA_TEST_DATABASE_URL"; while :; do sleep 0.1; done`)
			pipe, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			output := bufio.NewReader(pipe)
			server, err := output.ReadString('\n')
			if err != nil {
				t.Fatalf("read the server's URL: %v", err)
			}
			conn, err := pgx.Connect(t.Context(), strings.TrimSpace(server))
			if err != nil {
				t.Fatalf("connect to the server: %v", err)
			}
			_ = conn.Close(t.Context())

			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(output)
			if err != nil || string(rest) != "stopping\n" {
				t.Errorf("output after the signal = %q, %v, want \"stopping\\n\"", rest, err)
			}
			_ = cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != 3 {
				t.Errorf("exit code = %d, want 3", got)
			}
			checkCleanedUp(t, dir, strings.TrimSpace(server))
		})
	}
}
