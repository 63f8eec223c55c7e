package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// holdDuration is how long the connections of heldBodies hold their bodies.
const holdDuration = 3 * time.Second

// heldBodiesMemory returns the peak memory of a service, in MB, while 200
// connections hold unsigned webhook bodies of 4 MiB.
func (b *bench) heldBodiesMemory(ctx context.Context) (float64, error) {
	const connections = 200
	logProgress("memory under held webhook bodies")
	s, err := b.launch(ctx, "aisha")
	if err != nil {
		return 0, err
	}
	err = heldBodies(ctx, s.address, connections)
	peak, readErr := residentMemory(s.cmd.Process.Pid, peakMemory)
	return peak, errors.Join(err, readErr, s.stop())
}

// heldBodies opens connections that each announce a webhook of 4 MiB, send all of
// it but the last byte behind a signature that is well-formed and wrong, and hold
// it. It fails if /healthz does not respond during that time.
func heldBodies(ctx context.Context, address string, connections int) error {
	ctx, cancel := context.WithTimeout(ctx, holdDuration)
	defer cancel()
	var clients sync.WaitGroup
	for range connections {
		clients.Go(func() { holdBody(ctx, address) })
	}
	var slowest time.Duration
	for ctx.Err() == nil {
		begin := time.Now()
		if err := checkHealth(address); err != nil {
			return err
		}
		slowest = max(slowest, time.Since(begin))
		time.Sleep(100 * time.Millisecond)
	}
	clients.Wait()
	logProgress(fmt.Sprintf("slowest /healthz with %d held bodies: %s", connections, slowest.Round(time.Millisecond)))
	return nil
}

// holdBody sends an incomplete webhook and keeps the connection open until ctx
// ends. The service may reject the webhook and close the connection earlier.
func holdBody(ctx context.Context, address string) {
	const size = 4 << 20
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_, err = fmt.Fprintf(conn, "POST /webhook/whatsapp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
		"X-Hub-Signature-256: sha256=%s\r\nContent-Length: %d\r\n\r\n", strings.Repeat("0", 64), size)
	if err != nil {
		return
	}
	if _, err := conn.Write(make([]byte, size-1)); err != nil {
		return
	}
	<-ctx.Done()
}

func checkHealth(address string) error {
	response, err := http.Get("http://" + address + "/healthz") //nolint:noctx // the service is ours and local
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("/healthz returned status %d", response.StatusCode)
	}
	return nil
}
