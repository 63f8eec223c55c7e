package telemetry

import "github.com/prometheus/client_golang/prometheus"

// NewModelFailureObserver returns a function that counts failures of the model
// on questions from WhatsApp that will not pass by themselves.
func NewModelFailureObserver(registerer prometheus.Registerer) func(reason string) {
	failures := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "aisha_model_permanent_failures_total",
		Help: "Failures of the model on questions from WhatsApp that a retry does not mend, such as a rejected key, by reason.",
	}, []string{"reason"})
	registerer.MustRegister(failures)
	return func(reason string) { failures.WithLabelValues(reason).Inc() }
}
