package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
)

// webhookBatch returns a webhook with one message from each of the people
// numbered first to first+messages-1.
func webhookBatch(first, messages int) string {
	var items []string
	for i := range messages {
		p := person(first + i)
		items = append(items, fmt.Sprintf(`{"from":%q,"id":"wamid.%d","timestamp":"%d","type":"text","text":{"body":%q}}`,
			p.Phone, first+i, time.Now().Unix(), token(first+i, 0)))
	}
	return `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",` +
		`"metadata":{"phone_number_id":"` + phoneNumberID + `"},"messages":[` + strings.Join(items, ",") + `]}}]}]}`
}

// postWebhook posts a signed webhook as Meta does and returns how long the service
// took to respond.
func postWebhook(t *testing.T, url, body string) time.Duration {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/webhook/whatsapp", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write([]byte(body))
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	startedAt := time.Now()
	response, err := http.DefaultClient.Do(r)
	took := time.Since(startedAt)
	if err != nil {
		t.Error(err)
		return took
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("webhook response status = %d, want %d", response.StatusCode, http.StatusOK)
	}
	return took
}

// Meta puts at most 1,000 messages into one webhook.
func TestWebhook_ThousandMessagesAreAnsweredOnce(t *testing.T) {
	t.Parallel()
	const messages = 1000
	sim, simURL := newSimulator(t, simulator.Timing{Delivered: phoneOff})
	database := testdb.New(t)
	service := start(t, environment(database, simURL, "RESEND_AFTER=2m", "WHATSAPP_THROUGHPUT=1000"), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")

	body := webhookBatch(0, messages)
	t.Logf("%d messages in %d bytes acknowledged after %v", messages, len(body), postWebhook(t, service.url, body))
	postWebhook(t, service.url, body) // a retry, as Meta sends when it did not receive the response
	waitFor(t, sim, func(l simulator.Ledger) bool { return len(indexByToken(l)) == messages })
	if err := waitUntilIdle(t, database); err != nil {
		t.Error(err)
	}
	answered := indexByToken(sim.Ledger())
	for i := range messages {
		if n := len(answered[token(i, 0)]); n != 1 {
			t.Errorf("message %d has %d answers, want 1", i, n)
		}
	}
}

// The logged times are for information only. The test checks that every webhook is
// acknowledged although all workers wait for the model.
func TestWebhook_AcknowledgedWhileModelIsSlow(t *testing.T) {
	t.Parallel()
	const clients, perClient = 8, 25
	slow := simulator.Range{Min: 20 * time.Second, Max: 20 * time.Second}
	_, simURL := newSimulator(t, simulator.Timing{Model: slow})
	database := testdb.New(t)
	service := start(t, environment(database, simURL, "GEMINI_TIMEOUT=60s"), "serve")

	postWebhook(t, service.url, webhookBatch(0, 100)) // more than there are workers
	var mu sync.Mutex
	var times []time.Duration
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			for n := range perClient {
				took := postWebhook(t, service.url, webhookBatch(10_000+c*perClient+n, 1))
				mu.Lock()
				times = append(times, took)
				mu.Unlock()
			}
		})
	}
	batchTook := postWebhook(t, service.url, webhookBatch(1000, 1000))
	group.Wait()
	slices.Sort(times)
	t.Logf("acknowledged %d webhooks: p50 %v, p95 %v; one webhook of 1,000 messages: %v",
		len(times), times[len(times)/2], times[len(times)*95/100], batchTook)

	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var stored int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM message WHERE answer_id IS NULL`).Scan(&stored); err != nil {
		t.Fatal(err)
	}
	if want := 100 + 1000 + clients*perClient; stored != want {
		t.Errorf("%d unanswered messages are stored, want %d", stored, want)
	}
}
