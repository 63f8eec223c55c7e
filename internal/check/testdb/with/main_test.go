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

// asMain names a variable that turns the test program into the command.
const asMain = "WITH_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
		return
	}
	m.Run()
}

// with prepares `with sh -c script`, with a folder of its own for temporary files.
func with(t *testing.T, script string) (cmd *exec.Cmd, temporary string) {
	t.Helper()
	temporary = t.TempDir()
	cmd = exec.CommandContext(t.Context(), os.Args[0], "sh", "-c", script)
	cmd.Env = append(os.Environ(), asMain+"=1", "TMPDIR="+temporary)
	cmd.Stderr = os.Stderr
	return cmd, temporary
}

func wantNothingLeft(t *testing.T, folder, server string) {
	t.Helper()
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if conn, err := pgx.Connect(t.Context(), server); err == nil {
		_ = conn.Close(t.Context())
		t.Error("the server still runs")
	}
}

func TestCommandHasAServerAndItsExitCodeIsOurs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		script string
		want   int
	}{
		"success":            {`echo "$AISHA_TEST_DATABASE_URL"`, 0},
		"failure":            {`echo "$AISHA_TEST_DATABASE_URL"; exit 7`, 7},
		"killed by a signal": {`echo "$AISHA_TEST_DATABASE_URL"; kill -9 $$`, 137},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, folder := with(t, test.script)
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
				t.Errorf("the command's server is %q", server)
			}
			wantNothingLeft(t, folder, server)
		})
	}
}

func TestSignalReachesTheCommandAndTheServerOutlivesIt(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			cmd, folder := with(t, `trap "echo stopping; exit 3" TERM INT; echo "$AISHA_TEST_DATABASE_URL"; while :; do sleep 0.1; done`)
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
				t.Fatalf("connect to the command's server: %v", err)
			}
			_ = conn.Close(t.Context())

			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(output)
			if err != nil || string(rest) != "stopping\n" {
				t.Errorf("the command said %q, %v, want that it stops", rest, err)
			}
			_ = cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != 3 {
				t.Errorf("exit code = %d, want the command's 3", got)
			}
			wantNothingLeft(t, folder, strings.TrimSpace(server))
		})
	}
}
