package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/check/testdb"
)

const adminToken = "admin-token-41e8"

// operatorAnswer is the response to a request of the operator.
type operatorAnswer struct {
	status int
	header http.Header
	body   string
}

// asOperator sends a request with the token, and with the idempotency key unless that
// is empty.
func asOperator(t *testing.T, method, url, key string) operatorAnswer {
	t.Helper()
	var header []string
	if key != "" {
		header = []string{"Idempotency-Key", key}
	}
	response, body := sendAsOperator(t, method, url, "", header...)
	return operatorAnswer{response.StatusCode, response.Header, body}
}

// sendAsOperator calls the service as the operator, and returns the response and its
// body. header are names and values.
func sendAsOperator(t *testing.T, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+adminToken)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, strings.TrimSpace(string(answer))
}

// An operation is cancelled once, however often the request is repeated, also after
// the process was killed.
func TestOperator_RepeatedCancellation(t *testing.T) {
	t.Parallel()
	database := testdb.New(t)
	env := []string{"DATABASE_URL=" + database, "DATABASE_READ_URL=" + database, "HOST=127.0.0.1", "PORT=0", "ADMIN_TOKEN=" + adminToken}
	conn := connect(t, database)
	// The operations have no jobs, so nothing ends them.
	if _, err := conn.Exec(t.Context(), `
		INSERT INTO operation (kind, args, actor, request_id) SELECT 'test', '{}', 'admin', 'r' FROM generate_series(1, 2)`); err != nil {
		t.Fatal(err)
	}
	service := start(t, env, "serve")
	first := service.url + "/operator/operations/1"
	loading := asOperator(t, http.MethodGet, first, "")
	if loading.status != http.StatusAccepted || loading.header.Get("Location") != "/operator/operations/1" || loading.header.Get("Retry-After") == "" {
		t.Errorf("GET of an operation that waits: got %+v, want 202 with Location and Retry-After", loading)
	}
	var answers [16]operatorAnswer
	var requests sync.WaitGroup
	for i := range answers {
		requests.Go(func() { answers[i] = asOperator(t, http.MethodDelete, first, "k") })
	}
	requests.Wait()
	done := 0
	for _, got := range answers {
		isReplay := got.header.Get("Idempotency-Replayed") == "true"
		switch {
		case got.status == http.StatusOK && !isReplay:
			done++
		case got.status == http.StatusOK, got.status == http.StatusConflict && !isReplay && strings.Contains(got.body, "in progress"):
		default:
			t.Errorf("a concurrent DELETE: got %+v, want 200, or 409 while another is in progress", got)
		}
	}
	if done != 1 {
		t.Errorf("%d of the concurrent requests cancelled the operation, want 1", done)
	}

	service.kill()
	service = start(t, env, "serve")
	first = service.url + "/operator/operations/1"
	second := service.url + "/operator/operations/2"
	for _, tt := range []struct {
		what, method, url, key string
		status                 int
		replayed               bool
	}{
		{"the same request after a crash", http.MethodDelete, first, "k", http.StatusOK, true},
		{"the key for another operation", http.MethodDelete, second, "k", http.StatusUnprocessableEntity, false},
		{"an ended operation", http.MethodDelete, first, "k2", http.StatusConflict, false},
		{"an ended operation, repeated", http.MethodDelete, first, "k2", http.StatusConflict, true},
		{"an ended operation without a key", http.MethodDelete, first, "", http.StatusConflict, false},
		{"an unknown operation", http.MethodDelete, service.url + "/operator/operations/99", "", http.StatusNotFound, false},
		{"the result of a cancelled operation", http.MethodGet, first, "", http.StatusConflict, false},
		{"the result of the other operation", http.MethodGet, second, "", http.StatusAccepted, false},
		{"an invalid key", http.MethodDelete, second, strings.Repeat("k", 256), http.StatusUnprocessableEntity, false},
	} {
		got := asOperator(t, tt.method, tt.url, tt.key)
		if got.status != tt.status || (got.header.Get("Idempotency-Replayed") == "true") != tt.replayed {
			t.Errorf("%s: got %+v, want %d, replayed: %t", tt.what, got, tt.status, tt.replayed)
		}
	}
	checkAudit(t, service.url)
	checkEndedJob(t, conn)
}

// checkAudit checks that the audit has one row, for the cancellation.
func checkAudit(t *testing.T, url string) {
	t.Helper()
	got := asOperator(t, http.MethodGet, url+"/operator/audit?count=bounded", "")
	var body struct {
		Data struct {
			Items []struct {
				Actor, Action, Subject string
				SubjectID              int64  `json:"subject_id"`
				RequestID              string `json:"request_id"`
			}
			Count int
		}
	}
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || got.status != http.StatusOK || len(body.Data.Items) != 1 || body.Data.Count != 1 {
		t.Fatalf("the audit: got %d %s, %v; want one row", got.status, got.body, err)
	}
	row := body.Data.Items[0]
	if row.Actor != "admin" || row.Action != "operation.cancelled" || row.Subject != "operation" || row.SubjectID != 1 || row.RequestID == "" {
		t.Errorf("the row of the audit: got %+v, want the cancellation of the operation 1 by admin", row)
	}
}

// checkEndedJob checks that the queue of the operations is worked on, although
// WhatsApp is not configured: the job of an ended operation completes.
func checkEndedJob(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), `SELECT queue_operation(1)`); err != nil {
		t.Fatal(err)
	}
	var states []string
	for deadline := time.Now().Add(waitLimit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		rows, err := conn.Query(t.Context(), `SELECT state::text FROM river_job WHERE queue = 'operations'`)
		if err != nil {
			t.Fatal(err)
		}
		if states, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			t.Fatal(err)
		}
		if slices.Equal(states, []string{"completed"}) {
			return
		}
	}
	t.Errorf("the job of the operation: got the states %v, want it completed", states)
}
