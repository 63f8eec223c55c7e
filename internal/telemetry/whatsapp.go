package telemetry

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aisha/internal/service/whatsapp"
)

// NewSendObserver returns a function that counts the outcomes of sends. A
// failure that Meta reports twice counts twice.
func NewSendObserver(registerer prometheus.Registerer) func(outcome whatsapp.Outcome, code int) {
	sends := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "aisha_sends_total",
		Help: "Messages sent to the Graph API, by outcome and Meta's error code, which is empty for none.",
	}, []string{"outcome", "code"})
	registerer.MustRegister(sends)
	return func(outcome whatsapp.Outcome, code int) {
		label := ""
		if code != 0 {
			label = strconv.Itoa(code)
		}
		sends.WithLabelValues(string(outcome), label).Inc()
	}
}

// scrapeTimeout limits how long a scrape waits for the database.
const scrapeTimeout = 2 * time.Second

// backlogMaxAge is how long a backlog is used for further scrapes, so that
// frequent scrapes do not put load on the database.
const backlogMaxAge = 2 * time.Second

// backlogCollector reads the backlog at a scrape. Its metrics come from the
// database, so they are the same on every instance.
type backlogCollector struct {
	read func(context.Context) (whatsapp.Backlog, error)
	log  *slog.Logger

	mu      sync.Mutex // held during a read, so that concurrent scrapes share it
	readAt  time.Time
	backlog whatsapp.Backlog
	readErr error

	messages, oldestMessage, parts, holds, holdAge *prometheus.Desc
}

// NewBacklogCollector returns a collector of the backlog that read returns.
func NewBacklogCollector(read func(context.Context) (whatsapp.Backlog, error), log *slog.Logger) prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help+" The same on every instance.", labels, nil)
	}
	return &backlogCollector{
		read:          read,
		log:           log,
		messages:      desc("aisha_messages_unanswered", "Messages without an answer, counted up to 10,000."),
		oldestMessage: desc("aisha_oldest_unanswered_message_age_seconds", "Age of the oldest message without an answer."),
		parts:         desc("aisha_answer_parts_open", "Answer parts that may still have to be sent, by state, counted up to 10,000.", "state"),
		holds:         desc("aisha_send_holds", "Phone numbers with a send hold. A hold that needs no operator ends by itself.", "needs_operator"),
		holdAge:       desc("aisha_send_hold_age_seconds", "Age of a send hold, by phone number and Meta's error code.", "phone_number_id", "code"),
	}
}

// Describe implements prometheus.Collector.
func (c *backlogCollector) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.messages, c.oldestMessage, c.parts, c.holds, c.holdAge} {
		out <- desc
	}
}

// recentBacklog returns a backlog that is at most backlogMaxAge old, or the error
// of a read that is. It logs the error once.
func (c *backlogCollector) recentBacklog() (whatsapp.Backlog, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.readAt) < backlogMaxAge {
		return c.backlog, c.readErr
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	c.backlog, c.readErr = c.read(ctx)
	c.readAt = time.Now()
	if c.readErr != nil {
		c.log.WarnContext(ctx, "could not read the backlog for the metrics", slog.Any("error", c.readErr))
	}
	return c.backlog, c.readErr
}

// Collect implements prometheus.Collector. While the database is unreachable its
// metrics are absent.
func (c *backlogCollector) Collect(out chan<- prometheus.Metric) {
	backlog, err := c.recentBacklog()
	if err != nil {
		return
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	gauge(c.messages, float64(backlog.Messages))
	gauge(c.oldestMessage, backlog.OldestMessage.Seconds())
	gauge(c.parts, float64(backlog.Unsent), "unsent")
	gauge(c.parts, float64(backlog.Sending), "sending")
	gauge(c.parts, float64(backlog.Unknown), "unknown")
	needOperator := 0
	for _, hold := range backlog.Holds {
		if hold.NeedsOperator {
			needOperator++
		}
		gauge(c.holdAge, hold.Age.Seconds(), hold.PhoneNumberID, strconv.Itoa(hold.ErrorCode))
	}
	gauge(c.holds, float64(needOperator), "true")
	gauge(c.holds, float64(len(backlog.Holds)-needOperator), "false")
}
