package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestAllowLocalHosts(t *testing.T) {
	t.Parallel()
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	handler := allowLocalHosts(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "box.lan")
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8001": 200, "LOCALHOST:8001": 200, "localhost.": 200, "127.0.0.1:8001": 200, "[::1]:8001": 200, "[::1]": 200, "127.8.8.8": 200,
		"192.0.2.1:8001": 200, "box.lan:8000": 200, machine + ":8000": 200,
		"evil.example:8001": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example": 403, "evil.example": 403, "": 403, ":8000": 403, "box.lan.evil.example": 403,
	} {
		request := httptest.NewRequest(http.MethodPost, "/api/people", nil)
		request.Host = host
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, request)
		if response.Code != want {
			t.Errorf("Host %q: got status %d, want %d", host, response.Code, want)
		}
	}
	request := httptest.NewRequest(http.MethodPost, "/webhook/whatsapp", nil)
	request.Host = "tunnel.example"
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, request)
	if response.Code != http.StatusOK {
		t.Errorf("webhook through a tunnel: got status %d, want 200", response.Code)
	}
}

func TestApp_allowLocalHosts(t *testing.T) {
	t.Parallel()
	a := newTestApp()
	a.metrics = prometheus.NewRegistry()
	a.cfg.MetricsAddr = "metrics.lan:9090"
	a.server = &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: headerTimeout}
	a.addMetricsServer()
	a.allowLocalHosts()
	for host, want := range map[string]int{"localhost:9090": 200, "metrics.lan:9090": 200, "evil.example:9090": 403} {
		request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		request.Host = host
		response := httptest.NewRecorder()
		a.metricsServer.Handler.ServeHTTP(response, request)
		if response.Code != want {
			t.Errorf("metrics under Host %q: got status %d, want %d", host, response.Code, want)
		}
		response = httptest.NewRecorder()
		a.server.Handler.ServeHTTP(response, request)
		if got, want := response.Code == http.StatusForbidden, host != "localhost:9090"; got != want {
			t.Errorf("API under Host %q: got status %d, want 403: %t", host, response.Code, want)
		}
	}
}

func TestIsLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"127.0.0.1": true, "localhost": true, "::1": true, "127.8.8.8": true,
		"0.0.0.0": false, "::": false, "": false, "192.0.2.1": false, "box.lan": false,
	} {
		if got := isLoopback(host); got != want {
			t.Errorf("isLoopback(%q) = %t, want %t", host, got, want)
		}
	}
}
