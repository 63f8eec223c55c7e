package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"aisha/internal/repository"
	"aisha/internal/service/whatsapp"
)

func scrape(t *testing.T, metrics *prometheus.Registry) string {
	t.Helper()
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != 200 {
		t.Fatalf("got %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

func TestMetricsTellWhatWaitsAndWhatWasSent(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewPedanticRegistry()
	metrics.MustRegister(newBacklogMetrics(func(context.Context) (repository.Backlog, error) {
		return repository.Backlog{
			Messages: 7, OldestMessage: time.Minute, Unsent: 3, Sending: 2, Unknown: 1,
			Closed: []whatsapp.Gate{{PhoneNumberID: "123", Stopped: true, Code: 190, ClosedFor: time.Hour}},
		}, nil
	}, slog.New(slog.DiscardHandler)))
	observe := observeSends(metrics)
	observe(whatsapp.OutcomeAccepted, 0)
	observe(whatsapp.OutcomeGivenUp, 131026)

	page := scrape(t, metrics)
	for _, want := range []string{
		"aisha_messages_waiting 7", "aisha_oldest_message_waiting_seconds 60",
		`aisha_parts_waiting{state="unsent"} 3`, `aisha_parts_waiting{state="sending"} 2`, `aisha_parts_waiting{state="unknown"} 1`,
		`aisha_sending_gates_closed{state="stopped"} 1`, `aisha_sending_gates_closed{state="waiting"} 0`,
		`aisha_sending_gate_closed_seconds{code="190",phone_number_id="123"} 3600`,
		`aisha_sends_total{code="",outcome="accepted"} 1`, `aisha_sends_total{code="131026",outcome="given_up"} 1`,
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("%q is missing in\n%s", want, page)
		}
	}
}

func TestMetricsAreToldWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewPedanticRegistry()
	metrics.MustRegister(newBacklogMetrics(func(context.Context) (repository.Backlog, error) {
		return repository.Backlog{}, errors.New("down")
	}, slog.New(slog.DiscardHandler)))
	observeSends(metrics)(whatsapp.OutcomeUnknown, 0)
	if page := scrape(t, metrics); !strings.Contains(page, "aisha_sends_total") || strings.Contains(page, "aisha_messages_waiting") {
		t.Errorf("got\n%s", page)
	}
}
