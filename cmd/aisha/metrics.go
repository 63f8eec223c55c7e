package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// observeModel counts and times the attempts at the model.
func observeModel(metrics prometheus.Registerer) func(model, outcome string, took time.Duration) {
	attempts := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "aisha_model_attempt_seconds",
		Help:    "Attempts to ask the model, by model and outcome.",
		Buckets: []float64{.1, .25, .5, 1, 2, 4, 8, 16, 32, 64},
	}, []string{"model", "outcome"})
	metrics.MustRegister(attempts)
	return func(model, outcome string, took time.Duration) {
		attempts.WithLabelValues(model, outcome).Observe(took.Seconds())
	}
}
