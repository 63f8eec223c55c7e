package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// NewGeminiObserver returns a function that records an attempt to get a
// completion from a model.
func NewGeminiObserver(registerer prometheus.Registerer) func(model, outcome string, duration time.Duration) {
	attempts := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "aisha_gemini_attempt_duration_seconds",
		Help:    "Duration of attempts to get a completion, by model and outcome.",
		Buckets: []float64{.1, .25, .5, 1, 2, 4, 8, 16, 32, 64},
	}, []string{"model", "outcome"})
	registerer.MustRegister(attempts)
	return func(model, outcome string, duration time.Duration) {
		attempts.WithLabelValues(model, outcome).Observe(duration.Seconds())
	}
}
