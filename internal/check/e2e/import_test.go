package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
)

// importFile returns a CSV file with n persons, of whom every hundredth has no number.
func importFile(n int) (file string, valid int) {
	var out strings.Builder
	out.WriteString("Full Name;Simu\r\n")
	for i := range n {
		if i%100 == 99 {
			fmt.Fprintf(&out, "Person %d;\r\n", i)
			continue
		}
		fmt.Fprintf(&out, "Person %d;07%08d\r\n", i, i)
		valid++
	}
	return out.String(), valid
}

// operatorCall sends a request with the operator's token and returns the response and
// the data of its body.
func operatorCall(t *testing.T, method, url, contentType, body string, data any) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	r.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer := struct{ Data any }{data}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatalf("%s %s: status %d: %v", method, url, response.StatusCode, err)
	}
	return response
}

type progress struct {
	State string
	Done  int
}

// awaitOperation waits until the condition is true of the operation's progress.
func awaitOperation(t *testing.T, url string, condition func(progress) bool) progress {
	t.Helper()
	for deadline := time.Now().Add(waitLimit); ; time.Sleep(20 * time.Millisecond) {
		var now progress
		operatorCall(t, http.MethodGet, url+"/progress", "", "", &now)
		if condition(now) {
			return now
		}
		if time.Now().After(deadline) {
			t.Fatalf("the operation is %q at %d after %v", now.State, now.Done, waitLimit)
		}
	}
}

type importCounts struct{ Added, Present, Invalid, Skipped int }

// The service is killed in the middle of an import. After a restart the import must go
// on, repeat nothing and lose nothing.
func TestKill_DuringAnImport(t *testing.T) {
	t.Parallel()
	const lines = 100_000
	_, simURL := newSimulator(t, simulator.Timing{})
	database := testdb.New(t)
	env := environment(database, simURL, "ADMIN_TOKEN="+adminToken)
	service := start(t, env, "serve")

	file, valid := importFile(lines)
	var none any
	response := operatorCall(t, http.MethodPost, service.url+"/operator/imports?consent_source=fair", "text/csv", file, &none)
	location := response.Header.Get("Location")
	if response.StatusCode != http.StatusAccepted || location == "" {
		t.Fatalf("got %d with Location %q, want 202 with one", response.StatusCode, location)
	}
	for _, killAt := range []int{lines / 4, lines / 2} {
		now := awaitOperation(t, service.url+location, func(p progress) bool { return p.Done >= killAt })
		service.kill()
		t.Logf("killed at %d of %d records", now.Done, lines)
		service = start(t, env, "serve")
	}
	end := awaitOperation(t, service.url+location, func(p progress) bool { return p.State != "queued" && p.State != "running" })
	if end.State != "succeeded" || end.Done != lines {
		t.Fatalf("the operation %s after %d records, want succeeded after %d\n%s", end.State, end.Done, lines, tail(service.output()))
	}
	var counts importCounts
	operatorCall(t, http.MethodGet, service.url+location, "", "", &counts)
	if want := (importCounts{Added: valid, Invalid: lines - valid}); counts != want {
		t.Errorf("got %+v, want %+v", counts, want)
	}
	for what, sql := range map[string]string{
		"entries":                       `SELECT count(*) FROM waitlist_entry`,
		"ids":                           `SELECT max(id) - min(id) + 1 FROM waitlist_entry`,
		"rows of the audit":             `SELECT count(*) FROM audit WHERE action = 'entry.imported'`,
		"entries in the audit":          `SELECT count(DISTINCT subject_id) FROM audit JOIN waitlist_entry ON waitlist_entry.id = subject_id WHERE action = 'entry.imported'`,
		"consents":                      `SELECT count(*) FROM consent`,
		"entries with consent":          `SELECT count(DISTINCT entry_id) FROM consent`,
		"entries in the order of lines": `SELECT count(*) FROM (SELECT phone_number > coalesce(lag(phone_number) OVER (ORDER BY id), '') AS ordered FROM waitlist_entry) AS x WHERE ordered`,
	} {
		if got := queryDatabase(t, database, sql); got != valid && what != "ids" {
			t.Errorf("%d %s, want %d", got, what, valid)
		} else if what == "ids" && (got < valid || got > valid+3000) {
			t.Errorf("the ids span %d, want %d and at most the three batches that were undone", got, valid)
		}
	}
	if got, want := queryDatabase(t, database, `SELECT count(*) FROM waitlist_import_problem`), lines-valid; got != want {
		t.Errorf("%d problems, want %d", got, want)
	}
	if log := service.output(); strings.Contains(log, "Person 1") || strings.Contains(log, "254700000") {
		t.Error("the log contains names or numbers of the file, want none")
	}
}

func queryDatabase(t *testing.T, database, sql string) int {
	t.Helper()
	ctx, cancel := contextWithTimeout(t)
	defer cancel()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var n int
	if err := conn.QueryRow(ctx, sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// A client that disconnects in the middle leaves an import that says after which byte,
// and nothing of the file. A slow client is waited for.
func TestImport_RawUploads(t *testing.T) {
	t.Parallel()
	_, simURL := newSimulator(t, simulator.Timing{})
	database := testdb.New(t)
	service := start(t, environment(database, simURL, "ADMIN_TOKEN="+adminToken), "serve")
	file, valid := importFile(20_000)

	// send sends a part of the file and returns the open connection.
	send := func(part string) net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(service.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_, err = fmt.Fprintf(conn, "POST /operator/imports?consent_source=fair HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
			"Content-Type: text/csv\r\nContent-Length: %d\r\n\r\n%s", adminToken, len(file), part)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	const sent = 300_001
	_ = send(file[:sent]).Close()
	var cut struct{ State, Error string }
	for deadline := time.Now().Add(waitLimit); cut.State != "failed"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the import is %q, want failed", cut.State)
		}
		if queryDatabase(t, database, `SELECT count(*) FROM waitlist_import`) == 1 {
			operatorCall(t, http.MethodGet, service.url+"/operator/imports/1", "", "", &cut)
		}
	}
	if want := fmt.Sprintf("the upload broke off after byte %d", sent); cut.Error != want {
		t.Errorf("got the error %q, want %q", cut.Error, want)
	}
	if n := queryDatabase(t, database, `SELECT (SELECT count(*) FROM waitlist_entry) + (SELECT count(*) FROM waitlist_import_chunk)`); n != 0 {
		t.Errorf("%d entries and chunks, want none", n)
	}

	slow := send(file[:sent])
	time.Sleep(11 * time.Second) // longer than the read timeout of other routes
	if _, err := slow.Write([]byte(file[sent:])); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil || response.StatusCode != http.StatusAccepted {
		t.Fatalf("got %v, error %v, want 202", response, err)
	}
	_ = response.Body.Close()
	awaitOperation(t, service.url+response.Header.Get("Location"), func(p progress) bool { return p.State == "succeeded" })
	if n := queryDatabase(t, database, `SELECT count(*) FROM waitlist_entry`); n != valid {
		t.Errorf("%d entries, want %d", n, valid)
	}
}

// The command imports a file, and what it exports can be imported again.
func TestList_ImportAndExport(t *testing.T) {
	t.Parallel()
	_, simURL := newSimulator(t, simulator.Timing{})
	database := testdb.New(t)
	service := start(t, environment(database, simURL, "ADMIN_TOKEN="+adminToken), "serve")
	dir := t.TempDir()
	people := filepath.Join(dir, "people.csv")
	if err := os.WriteFile(people, []byte("name,phone,note\n\"=Amina\",0712345678,\"a\nb\"\nBaraka,7.12E+08,\nAmina,0712345678,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(wantCode int, stdin string, args ...string) string {
		t.Helper()
		cmd := exec.Command(binary, append([]string{"list"}, args...)...)
		cmd.Dir = dir
		cmd.Env = []string{"AISHA_URL=" + service.url, "ADMIN_TOKEN=" + adminToken}
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != wantCode {
			t.Errorf("aisha list %v: exit code %d (%v), want %d:\n%s", args, code, err, wantCode, out)
		}
		return string(out)
	}
	wantContains := func(out string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(out, part) {
				t.Errorf("got %q, want it to contain %q", out, part)
			}
		}
	}
	wantContains(run(0, "", "import", people, "--consent-source", "fair", "--dry-run"),
		"dry run", "added    1\n", "present  1 ", "invalid  1\n", service.url+"/operator/imports/1/report.csv")
	wantContains(run(0, "", "import", "--consent-source=fair", people), "added    1\n", "present  1 ", "invalid  1\n")
	run(0, "", "export", "--output", "list.csv")
	wantContains(run(0, "", "import", "list.csv", "--consent-source", "again"), "added    0\n", "present  1 ", "invalid  0\n")
	wantContains(run(0, "name,phone\nFrom Pipe,0712345679\n", "import", "-", "--consent-source", "pipe"), "added    1\n")
	if n := queryDatabase(t, database, `SELECT count(*) FROM waitlist_entry WHERE (username, note) IN (('=Amina', E'a\nb')) OR username = 'From Pipe'`); n != 2 {
		t.Errorf("%d entries are as in the files, want 2", n)
	}
	wantContains(run(1, "", "import", "missing.csv", "--consent-source", "x"), "missing.csv")
	wantContains(run(1, "", "import", filepath.Base(binary), "--consent-source", "x"), "no such file")
	wantContains(run(1, "nothing here\n", "import", "-", "--consent-source", "x"), "line 1: this line must name the columns")
	wantContains(run(2, "", "import", people), "--consent-source")
	wantContains(run(0, "", "import", "--help"), "Usage: aisha list import FILE")
}

// A repeated request gets the stored response, and the same file the operation that
// imports it. Neither leaves an upload behind.
func TestImport_Repeated(t *testing.T) {
	t.Parallel()
	_, simURL := newSimulator(t, simulator.Timing{})
	database := testdb.New(t)
	service := start(t, environment(database, simURL, "ADMIN_TOKEN="+adminToken), "serve")
	file, _ := importFile(1000)
	send := func(key, body string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, service.url+"/operator/imports?consent_source=fair", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+adminToken)
		r.Header.Set("Content-Type", "text/csv")
		r.Header.Set("Idempotency-Key", key)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response
	}
	for _, tt := range []struct {
		name, key, body string
		status          int
		replayed        string
	}{
		{"first", "a", file, http.StatusAccepted, ""},
		{"same_request", "a", file, http.StatusAccepted, "true"},
		{"same_file", "b", file, http.StatusAccepted, ""},
		{"other_file_with_the_same_key", "a", file + "x", http.StatusUnprocessableEntity, ""},
		{"empty", "c", "", http.StatusUnprocessableEntity, ""},
	} {
		got := send(tt.key, tt.body)
		location := got.Header.Get("Location")
		if got.StatusCode != tt.status || got.Header.Get("Idempotency-Replayed") != tt.replayed ||
			(location == "/operator/operations/1") != (tt.status == http.StatusAccepted) {
			t.Errorf("%s: got %d, replayed %q, Location %q; want %d, %q and operation 1 if it is accepted",
				tt.name, got.StatusCode, got.Header.Get("Idempotency-Replayed"), location, tt.status, tt.replayed)
		}
	}
	awaitOperation(t, service.url+"/operator/operations/1", func(p progress) bool { return p.State == "succeeded" })
	// The responses are sent before the uploads are discarded.
	for deadline := time.Now().Add(waitLimit); queryDatabase(t, database, `SELECT count(*) FROM waitlist_import`) != 1; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the uploads that were not imported are left")
		}
	}
	if n := queryDatabase(t, database, `SELECT count(*) FROM audit WHERE action = 'import.started'`); n != 1 {
		t.Errorf("%d imports are in the audit, want 1", n)
	}
}
