package telemetry_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

func TestBacklogCollector_SharesReads(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{"reads": nil, "failed_reads": errors.New("down")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				reads := 0
				metrics := prometheus.NewPedanticRegistry()
				metrics.MustRegister(telemetry.NewBacklogCollector(func(context.Context) (whatsapp.Backlog, error) {
					reads++
					return whatsapp.Backlog{}, failure
				}, slog.New(slog.DiscardHandler)))
				for i, tt := range []struct {
					wait time.Duration
					want int
				}{{0, 1}, {0, 1}, {time.Second, 1}, {time.Second, 2}, {time.Hour, 3}} {
					time.Sleep(tt.wait)
					if scrape(t, metrics); reads != tt.want {
						t.Errorf("scrape %d: got %d reads, want %d", i, reads, tt.want)
					}
				}
			})
		})
	}
}

// Concurrent scrapes wait for the read that one of them began.
func TestBacklogCollector_ConcurrentScrapes(t *testing.T) {
	t.Parallel()
	var reads atomic.Int32
	metrics := prometheus.NewPedanticRegistry()
	metrics.MustRegister(telemetry.NewBacklogCollector(func(context.Context) (whatsapp.Backlog, error) {
		reads.Add(1)
		return whatsapp.Backlog{}, nil
	}, slog.New(slog.DiscardHandler)))
	var scrapes sync.WaitGroup
	for range 20 {
		scrapes.Go(func() { scrape(t, metrics) })
	}
	scrapes.Wait()
	if got := reads.Load(); got != 1 {
		t.Errorf("20 concurrent scrapes: got %d reads, want 1", got)
	}
}
