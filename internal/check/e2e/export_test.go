package e2e

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
)

// exportedEntries is how many entries are exported: more bytes than the buffers
// between the service and its client hold.
const exportedEntries = 200_000

// startWithEntries starts a service with exportedEntries entries. It returns the
// database, and the environment of the service.
func startWithEntries(t *testing.T) (service *process, database string, env []string) {
	t.Helper()
	_, simURL := newSimulator(t, simulator.Timing{})
	database = testdb.New(t)
	testdb.Exec(t, testdb.Connect(t, database), `
		INSERT INTO waitlist_entry (username, phone_number, note)
		SELECT 'Zuri Wanjiku ' || i, '+2547' || to_char(i, 'FM00000000'), 'a note of two lines' || chr(10) || '=1+1'
		FROM generate_series(1, $1) AS i`, exportedEntries)
	env = environment(database, simURL, "ADMIN_TOKEN="+adminToken)
	return start(t, env, "serve"), database, env
}

// openExport requests an export and returns the response.
func openExport(t *testing.T, service *process, format string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, service.url+"/operator/waiting-list/export?format="+format, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	r.Header.Set("Accept-Encoding", "identity")
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		t.Fatalf("got the status %d, want 200", response.StatusCode)
	}
	return response
}

// The service is killed in the middle of an export. Its client must not take what it
// has received for the whole list, and a second export must be complete.
func TestExport_Kill(t *testing.T) {
	t.Parallel()
	service, database, env := startWithEntries(t)
	response := openExport(t, service, "ndjson")
	if _, err := io.CopyN(io.Discard, response.Body, 100_000); err != nil {
		t.Fatalf("read the beginning of the export: %v", err)
	}
	service.kill()
	n, err := io.Copy(io.Discard, response.Body)
	if err == nil || response.Trailer.Get("Aisha-Rows") != "" {
		t.Errorf("read %d bytes more with the trailer %q and error %v, want an error and no trailer", n, response.Trailer.Get("Aisha-Rows"), err)
	}

	response = openExport(t, start(t, env, "serve"), "ndjson")
	lines := 0
	scanner := bufio.NewScanner(response.Body)
	for scanner.Scan() {
		lines++
		if want := `{"id":` + strconv.Itoa(lines) + `,`; !strings.HasPrefix(scanner.Text(), want) {
			t.Fatalf("line %d is %.60s, want the prefix %s", lines, scanner.Text(), want)
		}
	}
	if err := scanner.Err(); err != nil || lines != exportedEntries || response.Trailer.Get("Aisha-Rows") != strconv.Itoa(exportedEntries) {
		t.Errorf("read %d lines with the trailer %q and error %v, want %d and no error", lines, response.Trailer.Get("Aisha-Rows"), err, exportedEntries)
	}
	if n := testdb.QueryInt(t, testdb.Connect(t, database), `SELECT count(*) FROM audit WHERE action = 'list.exported' AND actor = 'admin'`); n != 2 {
		t.Errorf("the audit has %d exports, want 2", n)
	}
}

// listExport returns the command `aisha list export` for the service.
func listExport(t *testing.T, service *process, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"list", "export"}, args...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"AISHA_URL=" + service.url, "ADMIN_TOKEN=" + adminToken, "GORACE=halt_on_error=1"}
	return cmd
}

func TestListExport(t *testing.T) {
	t.Parallel()
	service, _, _ := startWithEntries(t)
	t.Run("complete", func(t *testing.T) {
		cmd := listExport(t, service, "--output", "list.csv", "--status", "waiting")
		if messages, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(messages), strconv.Itoa(exportedEntries)+" rows, ") {
			t.Fatalf("got error %v and the messages %q, want none and the number of rows", err, messages)
		}
		file, err := os.Open(filepath.Join(cmd.Dir, "list.csv"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		records, err := csv.NewReader(bufio.NewReader(file)).ReadAll()
		if err != nil || len(records) != exportedEntries+1 {
			t.Fatalf("got %d records and error %v, want %d with the header", len(records), err, exportedEntries+1)
		}
		last := records[exportedEntries]
		if last[0] != strconv.Itoa(exportedEntries) || last[2] != "'+254700200000" || last[12] != "a note of two lines\n'=1+1" {
			t.Errorf("the last record is %q, want entry %d", last, exportedEntries)
		}
	})
	t.Run("refused", func(t *testing.T) {
		cmd := listExport(t, service, "--status", "waiting,unknown")
		messages, err := cmd.CombinedOutput()
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 || !strings.Contains(string(messages), "responded 422: the request is not valid; status must be") {
			t.Errorf("got error %v and %q, want exit code 1 and the field", err, messages)
		}
	})
	t.Run("service_is_killed", func(t *testing.T) {
		cmd := listExport(t, service)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var messages bytes.Buffer
		cmd.Stderr = &messages
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, out, 100_000); err != nil {
			t.Fatalf("read the beginning of the export: %v", err)
		}
		service.kill() // the service waits until the command receives more
		if _, err := io.Copy(io.Discard, out); err != nil {
			t.Fatalf("read the rest: %v", err)
		}
		exit, ok := errors.AsType[*exec.ExitError](cmd.Wait())
		if !ok || exit.ExitCode() != 1 || !strings.Contains(messages.String(), "the export broke off after ") {
			t.Errorf("got %v and the messages %q, want exit code 1 and that the export broke off", exit, messages.String())
		}
	})
}
