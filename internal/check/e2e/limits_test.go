package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"aisha/internal/check/testdb"
)

// heldBodies is how many bodies of 4 MiB fit into the memory that large bodies may
// take up.
const heldBodies = 8

// webhookSize is the size of the largest webhook.
const webhookSize = 4 << 20

// Clients that hold unsigned webhooks must neither take up memory nor keep other
// requests waiting, and they must be disconnected soon.
func TestServe_HeldWebhookBodies(t *testing.T) {
	t.Parallel()
	service := start(t, environment(testdb.New(t), "http://127.0.0.1:1"), "serve")
	address := strings.TrimPrefix(service.url, "http://")

	const connections = 40
	responses := make(chan *http.Response, connections)
	for range connections {
		conn := announceWebhook(t, address)
		go func() { _, _ = conn.Write(make([]byte, webhookSize-2)) }() // all but the last byte
		go func() { responses <- readResponse(conn) }()
	}
	if status, _ := request(t, "GET", service.url+"/healthz", ""); status != http.StatusOK {
		t.Errorf("GET /healthz: got %d, want 200", status)
	}
	if status, _ := request(t, "POST", service.url+"/webhook/whatsapp", "{}"); status != http.StatusForbidden {
		t.Errorf("an ordinary unsigned webhook: got %d, want 403", status)
	}
	statuses := map[int]int{}
	for range connections {
		response := <-responses
		statuses[response.StatusCode]++
		retryAfter := response.Header.Get("Retry-After") != ""
		if retryAfter != (response.StatusCode == http.StatusServiceUnavailable) || response.StatusCode != 0 && !response.Close {
			t.Errorf("got %d with the headers %v, want Connection: close, and Retry-After for 503", response.StatusCode, response.Header)
		}
	}
	late := statuses[http.StatusBadRequest]                           // the rest of the body did not come in time
	rejected := statuses[http.StatusServiceUnavailable] + statuses[0] // a reset can arrive before the response
	if late < 1 || late > heldBodies || rejected != connections-late || statuses[http.StatusServiceUnavailable] == 0 {
		t.Errorf("responses by status: got %v, want 400 for 1 to %d and 503 for the others", statuses, heldBodies)
	}
}

func TestServe_MetricsAddress(t *testing.T) {
	t.Parallel()
	service := start(t, environment(testdb.New(t), "http://127.0.0.1:1", "METRICS_ADDR=127.0.0.1:0"), "serve")
	address := ""
	for line := range strings.Lines(service.output()) {
		var entry struct{ Msg, Address string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "serving metrics" {
			address = entry.Address
		}
	}
	status, metrics := request(t, "GET", "http://"+address+"/metrics", "")
	if status != http.StatusOK || !strings.Contains(metrics, "aisha_messages_unanswered 0") {
		t.Errorf("GET /metrics on METRICS_ADDR: got %d %.100s, want 200 and the metrics", status, metrics)
	}
	if status, _ := request(t, "GET", "http://"+address+"/healthz", ""); status != http.StatusNotFound {
		t.Errorf("GET /healthz on METRICS_ADDR: got %d, want 404", status)
	}
	if status, _ := request(t, "GET", service.url+"/metrics", ""); status != http.StatusNotFound {
		t.Errorf("GET /metrics on the API's port: got %d, want 404", status)
	}
	if err := service.terminate(); err != nil {
		t.Errorf("stop the service: %v", err)
	}
}

// announceWebhook sends the header of an unsigned webhook of 4 MiB and its first
// byte.
func announceWebhook(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /webhook/whatsapp HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256=%s\r\nContent-Length: %d\r\n\r\n{",
		strings.Repeat("0", 64), webhookSize)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// readResponse returns an empty response if none arrives.
func readResponse(conn net.Conn) *http.Response {
	_ = conn.SetReadDeadline(time.Now().Add(waitLimit))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return &http.Response{}
	}
	return response
}
