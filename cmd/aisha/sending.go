package main

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aisha/internal/repository"
	"aisha/internal/service/whatsapp"
)

// observeSends counts what became of sends. Failures are counted as Meta
// reports them, so one that it reports twice counts twice.
func observeSends(metrics prometheus.Registerer) func(whatsapp.Outcome, int) {
	sends := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "aisha_sends_total",
		Help: "Messages to the Graph API, by outcome and, where it has one, Meta's error code.",
	}, []string{"outcome", "code"})
	metrics.MustRegister(sends)
	return func(outcome whatsapp.Outcome, code int) {
		label := ""
		if code != 0 {
			label = strconv.Itoa(code)
		}
		sends.WithLabelValues(string(outcome), label).Inc()
	}
}

// scrapeTimeout bounds how long a scrape waits for the database.
const scrapeTimeout = 2 * time.Second

// backlogMetrics reads what waits whenever somebody scrapes. The numbers are
// those of the database, so every instance tells the same.
type backlogMetrics struct {
	read func(context.Context) (repository.Backlog, error)
	log  *slog.Logger

	messages, oldest, parts, gates, closed *prometheus.Desc
}

func newBacklogMetrics(read func(context.Context) (repository.Backlog, error), log *slog.Logger) *backlogMetrics {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help+" The same on every instance.", labels, nil)
	}
	return &backlogMetrics{
		read:     read,
		log:      log,
		messages: describe("aisha_messages_waiting", "Messages without an answer, at most 10,000."),
		oldest:   describe("aisha_oldest_message_waiting_seconds", "Age of the oldest message without an answer."),
		parts:    describe("aisha_parts_waiting", "Parts of answers that are not known to be sent, by state, at most 10,000.", "state"),
		gates:    describe("aisha_sending_gates_closed", "Numbers that nothing goes out from: waiting ones open by themselves, stopped ones need an operator.", "state"),
		closed:   describe("aisha_sending_gate_closed_seconds", "For how long a number is closed, by Meta's error code.", "phone_number_id", "code"),
	}
}

// Describe implements prometheus.Collector.
func (m *backlogMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{m.messages, m.oldest, m.parts, m.gates, m.closed} {
		out <- desc
	}
}

// Collect implements prometheus.Collector. Without the database its numbers are
// absent and all other metrics are told as ever.
func (m *backlogMetrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	backlog, err := m.read(ctx)
	if err != nil {
		m.log.WarnContext(ctx, "the backlog could not be read for the metrics", slog.Any("error", err))
		return
	}
	tell := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	tell(m.messages, float64(backlog.Messages))
	tell(m.oldest, backlog.OldestMessage.Seconds())
	tell(m.parts, float64(backlog.Unsent), "unsent")
	tell(m.parts, float64(backlog.Sending), "sending")
	tell(m.parts, float64(backlog.Unknown), "unknown")
	stopped := 0
	for _, gate := range backlog.Closed {
		if gate.Stopped {
			stopped++
		}
		tell(m.closed, gate.ClosedFor.Seconds(), gate.PhoneNumberID, strconv.Itoa(gate.Code))
	}
	tell(m.gates, float64(stopped), "stopped")
	tell(m.gates, float64(len(backlog.Closed)-stopped), "waiting")
}
