package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"aisha/internal/localpg"
)

// request is what a client posts.
type request struct {
	path, signature string
	body            []byte
}

func signUp(int) request {
	return request{path: "/waiting-list/", body: fmt.Appendf(nil, `{"username":"John Doe","phone_number":"07%08d"}`, 10_000_000+rand.IntN(20_000_000))}
}

// webhook is a text from one of ten thousand persons, as Meta sends it.
func webhook(int) request {
	person := rand.IntN(10_000)
	body := fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{`+
		`"messaging_product":"whatsapp","metadata":{"display_phone_number":"254700000000","phone_number_id":"1234567890"},`+
		`"contacts":[{"profile":{"name":"Wanjiru"},"wa_id":"25471%07d","user_id":"KE.%d"}],`+
		`"messages":[{"from":"25471%07d","from_user_id":"KE.%d","id":"wamid.%016x","timestamp":"%d","type":"text",`+
		`"text":{"body":"Habari, I would like to know more"}}]}}]}]}`,
		person, person, person, person, rand.Uint64(), time.Now().Unix())
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write(body)
	return request{path: "/webhook/whatsapp", signature: "sha256=" + hex.EncodeToString(mac.Sum(nil)), body: body}
}

type result struct {
	perSecond float64
	p99       time.Duration
}

// underLoad runs the service and keeps it busy with the given number of
// clients, each with one request at a time.
func underLoad(ctx context.Context, binary string, cluster *localpg.Cluster, clients int, generate func(int) request) (result, error) {
	s, err := launch(ctx, binary, cluster)
	if err != nil {
		return result{}, err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}, Timeout: 30 * time.Second}
	latencies := make([][]time.Duration, clients)
	failures := make(chan error, clients)
	end := time.Now().Add(duration)
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				begin := time.Now()
				if err := post(ctx, client, s.url, generate(n)); err != nil {
					failures <- err
					return
				}
				latencies[c] = append(latencies[c], time.Since(begin))
			}
		})
	}
	group.Wait()
	client.CloseIdleConnections()
	if err := s.stop(); err != nil {
		return result{}, err
	}
	select {
	case err := <-failures:
		return result{}, err
	default:
	}
	all := slices.Sorted(slices.Values(slices.Concat(latencies...)))
	return result{perSecond: float64(len(all)) / duration.Seconds(), p99: all[len(all)*99/100]}, nil
}

func post(ctx context.Context, client *http.Client, url string, r request) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+r.path, bytes.NewReader(r.body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if r.signature != "" {
		req.Header.Set("X-Hub-Signature-256", r.signature)
	}
	response, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d: %s", r.path, response.StatusCode, body)
	}
	return nil
}
