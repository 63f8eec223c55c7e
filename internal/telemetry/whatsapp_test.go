package telemetry_test

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

	"aisha/internal/service/whatsapp"
	"aisha/internal/telemetry"
)

func scrape(t *testing.T, metrics *prometheus.Registry) string {
	t.Helper()
	response := httptest.NewRecorder()
	promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}).ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if response.Code != http.StatusOK {
		t.Fatalf("got status %d, want 200: %s", response.Code, response.Body)
	}
	return response.Body.String()
}

func TestBacklogCollector(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewPedanticRegistry()
	metrics.MustRegister(telemetry.NewBacklogCollector(func(context.Context) (whatsapp.Backlog, error) {
		return whatsapp.Backlog{
			Messages: 7, OldestMessage: time.Minute, Unsent: 3, Sending: 2, Unknown: 1,
			Holds: []whatsapp.SendHold{{PhoneNumberID: "123", NeedsOperator: true, ErrorCode: 190, Age: time.Hour}},
		}, nil
	}, slog.New(slog.DiscardHandler)))
	observe := telemetry.NewSendObserver(metrics)
	observe(whatsapp.OutcomeAccepted, 0)
	observe(whatsapp.OutcomeGivenUp, 131026)

	page := scrape(t, metrics)
	for _, want := range []string{
		"aisha_messages_unanswered 7", "aisha_oldest_unanswered_message_age_seconds 60",
		`aisha_answer_parts_open{state="unsent"} 3`, `aisha_answer_parts_open{state="sending"} 2`, `aisha_answer_parts_open{state="unknown"} 1`,
		`aisha_send_holds{needs_operator="true"} 1`, `aisha_send_holds{needs_operator="false"} 0`,
		`aisha_send_hold_age_seconds{code="190",phone_number_id="123"} 3600`,
		`aisha_sends_total{code="",outcome="accepted"} 1`, `aisha_sends_total{code="131026",outcome="given_up"} 1`,
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("got no line %q in\n%s", want, page)
		}
	}
}

func TestBacklogCollector_DatabaseUnreachable(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewPedanticRegistry()
	metrics.MustRegister(telemetry.NewBacklogCollector(func(context.Context) (whatsapp.Backlog, error) {
		return whatsapp.Backlog{}, errors.New("down")
	}, slog.New(slog.DiscardHandler)))
	telemetry.NewSendObserver(metrics)(whatsapp.OutcomeUnknown, 0)
	if page := scrape(t, metrics); !strings.Contains(page, "aisha_sends_total") || strings.Contains(page, "aisha_messages_unanswered") {
		t.Errorf("got\n%s\nwant aisha_sends_total and no metric of the backlog", page)
	}
}
