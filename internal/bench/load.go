package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// request is what a client posts. Its bytes are the generator's until the
// next request.
type request struct {
	path, signature string
	body            []byte
}

// generator makes one client's requests, one after the other.
type generator func() request

// signUps are mostly of new numbers, all of the form that Safaricom gives out.
func signUps() generator {
	var body []byte
	return func() request {
		body = fmt.Appendf(body[:0], `{"username":"John Doe","phone_number":"07%08d"}`, 10_000_000+rand.IntN(20_000_000))
		return request{path: "/waiting-list/", body: body}
	}
}

// webhooks are texts from ten thousand persons, as Meta sends them.
func webhooks() generator {
	var body []byte
	mac := hmac.New(sha256.New, []byte(appSecret))
	return func() request {
		person := rand.IntN(10_000)
		body = fmt.Appendf(body[:0], `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{`+
			`"messaging_product":"whatsapp","metadata":{"display_phone_number":"254700000000","phone_number_id":"1234567890"},`+
			`"contacts":[{"profile":{"name":"Wanjiru"},"wa_id":"25471%07d","user_id":"KE.%d"}],`+
			`"messages":[{"from":"25471%07d","from_user_id":"KE.%d","id":"wamid.%016x","timestamp":"%d","type":"text",`+
			`"text":{"body":"Habari, I would like to know more"}}]}}]}]}`,
			person, person, person, person, rand.Uint64(), time.Now().Unix())
		mac.Reset()
		mac.Write(body)
		return request{path: "/webhook/whatsapp", signature: "sha256=" + hex.EncodeToString(mac.Sum(nil)), body: body}
	}
}

// underLoad runs the service and keeps it busy with the row's clients.
func (b *bench) underLoad(ctx context.Context, r *row) (result, error) {
	s, err := b.launch(ctx)
	if err != nil {
		return result{}, err
	}
	measured, err := b.load(s, r)
	if stopErr := s.stop(); err == nil {
		err = stopErr
	}
	return measured, err
}

func (b *bench) load(s *runningService, r *row) (result, error) {
	if _, err := busy(s.address, r, warmUp); err != nil {
		return result{}, err
	}
	before, err := b.cpuTimes(s)
	if err != nil {
		return result{}, err
	}
	begin := time.Now()
	latencies, err := busy(s.address, r, duration)
	if err != nil {
		return result{}, err
	}
	took := time.Since(begin)
	after, err := b.cpuTimes(s)
	if err != nil {
		return result{}, err
	}
	memory, err := memoryOf(s.cmd.Process.Pid, peakMemory)
	if err != nil {
		return result{}, err
	}
	n := len(latencies)
	found := result{
		perSecond: float64(n) / took.Seconds(),
		service:   (after.service - before.service) / time.Duration(n),
		database:  (after.database - before.database) / time.Duration(n),
		memory:    memory,
	}
	found.p50, found.p99 = percentiles(latencies)
	return found, nil
}

// busy lets every client post for as long as told, each with one request at a
// time, and returns how long each request took.
func busy(address string, r *row, span time.Duration) ([]time.Duration, error) {
	latencies := make([][]time.Duration, r.clients)
	failures := make([]error, r.clients)
	end := time.Now().Add(span)
	var group sync.WaitGroup
	for c := range r.clients {
		group.Go(func() { latencies[c], failures[c] = postUntil(end, address, r.client()) })
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	return slices.Concat(latencies...), nil
}

func postUntil(end time.Time, address string, next generator) ([]time.Duration, error) {
	conn, err := dial(address, end.Add(30*time.Second))
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	latencies := make([]time.Duration, 0, 16<<10)
	for {
		r := next()
		begin := time.Now()
		if !begin.Before(end) {
			return latencies, nil
		}
		if err := conn.post(r); err != nil {
			return nil, err
		}
		latencies = append(latencies, time.Since(begin))
	}
}
