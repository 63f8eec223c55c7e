package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
)

// The service is killed in the middle of a chunk of a bulk action, and goes on where
// it was after the restart: each entry is changed once.
func TestKill_BulkAction(t *testing.T) {
	t.Parallel()
	const entries, chunk, lockedID = 20_000, 500, 10_250
	_, simURL := newSimulator(t, simulator.Timing{})
	database := testdb.New(t)
	env := environment(database, simURL, "ADMIN_TOKEN="+adminToken)
	service := start(t, env, "serve")

	ctx, cancel := contextWithTimeout(t)
	defer cancel()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, `
		INSERT INTO waitlist_entry (username, phone_number)
		SELECT 'Person ' || n, '+2547' || lpad(n::text, 8, '0') FROM generate_series(1, $1) AS n`, entries); err != nil {
		t.Fatal(err)
	}

	// The chunk with this entry waits.
	locked, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := locked.Exec(ctx, `SELECT FROM waitlist_entry WHERE id = $1 FOR UPDATE`, lockedID); err != nil {
		t.Fatal(err)
	}
	response, body := sendAsOperator(t, http.MethodPost, service.url+"/operator/waiting-list/bulk", `{"action":"invite","filter":{}}`)
	status, location := response.StatusCode, response.Header.Get("Location")
	if status != http.StatusAccepted || !strings.HasPrefix(location, "/operator/operations/") {
		t.Fatalf("got %d with the location %q, want 202 with that of an operation: %s", status, location, body)
	}
	want := bulkProgress{State: "running", Done: lockedID / chunk * chunk, Total: entries}
	awaitProgress(t, service, location, want)
	waitForLockWaiters(t, database, 1)
	service.kill()
	if err := locked.Rollback(ctx); err != nil {
		t.Fatal(err)
	}

	service = start(t, env, "serve")
	awaitProgress(t, service, location, bulkProgress{State: "succeeded", Done: entries, Total: entries})
	response, body = sendAsOperator(t, http.MethodGet, service.url+location, "")
	status = response.StatusCode
	if want := `{"status":"success","data":{"changed":20000,"skipped":0}}`; status != http.StatusOK || body != want {
		t.Errorf("result: got %d %s, want 200 %s", status, body, want)
	}
	for what, sql := range map[string]string{
		"invited entries":              `SELECT count(*) FROM waitlist_entry WHERE status = 'invited'`,
		"events":                       `SELECT count(*) FROM waitlist_event WHERE actor = 'admin'`,
		"entries with an event":        `SELECT count(DISTINCT entry_id) FROM waitlist_event`,
		"rows of the audit":            `SELECT count(*) FROM audit WHERE action = 'entry.invited'`,
		"entries with a row of theirs": `SELECT count(DISTINCT subject_id) FROM audit WHERE subject = 'entry'`,
	} {
		var n int
		if err := conn.QueryRow(ctx, sql).Scan(&n); err != nil || n != entries {
			t.Errorf("%s: got %d, error %v; want %d", what, n, err, entries)
		}
	}
	var started int
	if err := conn.QueryRow(ctx, `SELECT count(*) FROM audit WHERE subject <> 'entry'`).Scan(&started); err != nil || started != 1 {
		t.Errorf("other rows of the audit: got %d, error %v; want 1", started, err)
	}
}

// bulkProgress is the progress of a bulk action.
type bulkProgress struct {
	State string
	Done  int
	Total int
}

// awaitProgress polls the progress of an operation until it is as wanted.
func awaitProgress(t *testing.T, service *process, location string, want bulkProgress) {
	t.Helper()
	var body struct{ Data bulkProgress }
	for deadline := time.Now().Add(waitLimit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		response, answer := sendAsOperator(t, http.MethodGet, service.url+location+"/progress", "")
		status := response.StatusCode
		if err := json.Unmarshal([]byte(answer), &body); status != http.StatusOK || err != nil {
			t.Fatalf("read the progress: got %d, error %v: %s", status, err, answer)
		}
		if body.Data == want {
			return
		}
	}
	t.Fatalf("progress (-want +got):\n%s\n%s", cmp.Diff(want, body.Data), tail(service.output()))
}
