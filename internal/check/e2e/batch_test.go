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

// batch is a webhook of one message of each of so many persons, the first of
// whom has this number.
func batch(first, messages int) string {
	var items []string
	for i := range messages {
		p := person(first + i)
		items = append(items, fmt.Sprintf(`{"from":%q,"id":"wamid.%d","timestamp":"%d","type":"text","text":{"body":%q}}`,
			p.Phone, first+i, time.Now().Unix(), token(first+i, 0)))
	}
	return `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",` +
		`"metadata":{"phone_number_id":"` + phoneNumberID + `"},"messages":[` + strings.Join(items, ",") + `]}}]}]}`
}

// deliver posts a webhook as Meta does and returns how long its
// acknowledgement took.
func deliver(t *testing.T, url, body string) time.Duration {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/webhook/whatsapp", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write([]byte(body))
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	began := time.Now()
	response, err := http.DefaultClient.Do(r)
	took := time.Since(began)
	if err != nil {
		t.Error(err)
		return took
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the webhook is answered with %d", response.StatusCode)
	}
	return took
}

// A thousand is the most that Meta puts into one webhook.
func TestAThousandMessagesInOneWebhookGetAThousandAnswers(t *testing.T) {
	t.Parallel()
	const messages = 1000
	sim, simURL := newSimulator(t, simulator.Timing{Delivered: unread})
	database := testdb.New(t)
	service := start(t, environment(database, simURL, "RESEND_AFTER=2m", "WHATSAPP_THROUGHPUT=1000"), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")

	body := batch(0, messages)
	t.Logf("%d messages in %d bytes acknowledged after %v", messages, len(body), deliver(t, service.url, body))
	deliver(t, service.url, body) // Meta tries again when it did not hear of our answer
	waitFor(t, sim, func(l simulator.Ledger) bool { return len(byToken(l)) == messages })
	if err := settled(t, database); err != nil {
		t.Error(err)
	}
	answered := byToken(sim.Ledger())
	for i := range messages {
		if n := len(answered[token(i, 0)]); n != 1 {
			t.Errorf("message %d got %d answers", i, n)
		}
	}
}

// The figure is for people to read; what is held here is that nothing of what
// goes on makes a webhook wait for it.
func TestWebhooksAreAcknowledgedWhileTheModelThinksAndABatchArrives(t *testing.T) {
	t.Parallel()
	const clients, each = 8, 25
	slow := simulator.Range{Min: 20 * time.Second, Max: 20 * time.Second}
	_, simURL := newSimulator(t, simulator.Timing{Model: slow})
	database := testdb.New(t)
	service := start(t, environment(database, simURL, "GEMINI_TIMEOUT=60s"), "serve")

	deliver(t, service.url, batch(0, 100)) // more than there are workers
	var mu sync.Mutex
	var times []time.Duration
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			for n := range each {
				took := deliver(t, service.url, batch(10_000+c*each+n, 1))
				mu.Lock()
				times = append(times, took)
				mu.Unlock()
			}
		})
	}
	whole := deliver(t, service.url, batch(1000, 1000))
	group.Wait()
	slices.Sort(times)
	t.Logf("of %d webhooks half were acknowledged within %v and 95%% within %v, one of 1,000 messages after %v",
		len(times), times[len(times)/2], times[len(times)*95/100], whole)

	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var stored int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM message WHERE answer_id IS NULL`).Scan(&stored); err != nil {
		t.Fatal(err)
	}
	if want := 100 + 1000 + clients*each; stored != want {
		t.Errorf("%d messages are stored and wait, want %d", stored, want)
	}
}
