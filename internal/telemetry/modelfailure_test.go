package telemetry_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"aisha/internal/telemetry"
)

func TestNewModelFailureObserver(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewPedanticRegistry()
	observe := telemetry.NewModelFailureObserver(metrics)
	observe("key_rejected")
	observe("key_rejected")
	const want = `aisha_model_permanent_failures_total{reason="key_rejected"} 2`
	if got := scrape(t, metrics); !strings.Contains(got, want) {
		t.Errorf("got the metrics\n%s\nwant %s", got, want)
	}
}
