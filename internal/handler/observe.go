package handler

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// watch logs and counts requests. An address is personal data, so it is
// neither logged nor counted.
type watch struct {
	log      *slog.Logger
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newWatch(log *slog.Logger, registerer prometheus.Registerer) *watch {
	register := promauto.With(registerer)
	return &watch{
		log: log,
		requests: register.NewCounterVec(prometheus.CounterOpts{
			Name: "aisha_http_requests_total",
			Help: "HTTP requests, by route pattern, method and status; 499 where the caller hung up.",
		}, []string{"route", "method", "status"}),
		duration: register.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "aisha_http_request_duration_seconds",
			Help:    "Time from the request's head to the end of the answer, by route pattern and method.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120},
		}, []string{"route", "method"}),
	}
}

// observe gives a request its id, and logs and counts it when it is over, even
// if a panic ends it.
func (o *watch) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		exchange, r := begin(r)
		written := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		written.Header().Set("X-Request-Id", exchange.requestID)
		defer func() { o.record(r, exchange, written, time.Since(start)) }()
		next.ServeHTTP(written, r)
	})
}

func (o *watch) record(r *http.Request, e *exchange, written middleware.WrapResponseWriter, took time.Duration) {
	route, method, code := routeLabel(r), methodLabel(r.Method), outcome(r, e, written)
	o.requests.WithLabelValues(route, method, strconv.Itoa(code)).Inc()
	o.duration.WithLabelValues(route, method).Observe(took.Seconds())

	ctx, level := context.WithoutCancel(r.Context()), level(route, code)
	if !o.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", method),
		slog.String("route", route),
		slog.Int("status", code),
		slog.Int("bytes", written.BytesWritten()),
		slog.Duration("took", took),
		slog.String("request_id", e.requestID),
	}
	if e.failure != nil && (code >= http.StatusInternalServerError || o.log.Enabled(ctx, slog.LevelDebug)) {
		attrs = append(attrs, slog.Any("error", e.failure))
	}
	o.log.LogAttrs(ctx, level, "request", attrs...)
}

// routeLabel is the pattern of the request's route, without a last slash. All
// that callers make up shares one label.
func routeLabel(r *http.Request) string {
	if route := chi.RouteContext(r.Context()).RoutePattern(); route != "" {
		return route
	}
	return "unmatched"
}

// outcome is the status of the answer, or what it would be if the failure had
// come before its first byte. A failure of ours after the caller has gone is
// only a consequence of that.
func outcome(r *http.Request, e *exchange, written middleware.WrapResponseWriter) int {
	code := written.Status()
	if e.failure != nil {
		code = status(classify(e.failure).Kind)
	}
	if code >= http.StatusInternalServerError && r.Context().Err() != nil {
		return statusCallerGone
	}
	return code
}

// level keeps what went well out of sight: it is counted, and at some thousand
// webhooks a second a line for each costs more than anybody reads.
func level(route string, code int) slog.Level {
	probe := route == "/healthz" || route == "/readyz" || route == "/metrics"
	switch {
	case probe && code >= http.StatusInternalServerError:
		return slog.LevelWarn
	case probe, code < http.StatusBadRequest:
		return slog.LevelDebug
	case code >= http.StatusInternalServerError:
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}
