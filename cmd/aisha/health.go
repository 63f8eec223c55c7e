package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"aisha/internal/config"
)

// healthTimeout is shorter than the timeout of HEALTHCHECK in the Dockerfile.
const healthTimeout = 3 * time.Second

// health returns nil if GET /healthz of the service on this machine responds 200.
func health(ctx context.Context) error {
	host, port, err := config.LoadAddress()
	if err != nil {
		return err
	}
	if port == 0 {
		return errors.New("the service is not healthy: with PORT=0 its port is unknown")
	}
	return checkHealth(ctx, "http://"+net.JoinHostPort(reachableHost(host), strconv.Itoa(port))+"/healthz")
}

// reachableHost returns the host at which this machine reaches a server that
// listens on host, which may be the address of all interfaces.
func reachableHost(host string) string {
	ip := net.ParseIP(host)
	switch {
	case host == "", ip != nil && ip.IsUnspecified() && ip.To4() != nil:
		return "127.0.0.1"
	case ip != nil && ip.IsUnspecified():
		return "::1"
	default:
		return host
	}
}

// checkHealth uses no proxy, because the service runs on this machine.
func checkHealth(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("the service is not healthy: %w", err)
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("the service is not healthy: %w", err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the service is not healthy: GET %s responded %d", url, response.StatusCode)
	}
	return nil
}
