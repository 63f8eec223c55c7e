package guard

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"aisha/internal/fault"
	"aisha/internal/handler/wire"
)

// statusClientDisconnected is the status in logs and metrics of a request whose
// client disconnected before the response. It is never sent. nginx uses the
// same number.
const statusClientDisconnected = 499

// observer logs and counts requests. Client addresses are personal data, so
// they appear in neither logs nor metrics.
type observer struct {
	log      *slog.Logger
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

// Observe logs and counts each request when it is complete, even if it
// panicked. It must run inside RequestID. A nil registerer registers nothing.
func Observe(log *slog.Logger, registerer prometheus.Registerer) Middleware {
	o := newObserver(log, registerer)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start := time.Now()
			written := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			defer func() { o.record(r, written, time.Since(start)) }()
			next.ServeHTTP(written, r)
		})
	}
}

func newObserver(log *slog.Logger, registerer prometheus.Registerer) *observer {
	register := promauto.With(registerer)
	return &observer{
		log: log,
		requests: register.NewCounterVec(prometheus.CounterOpts{
			Name: "aisha_http_requests_total",
			Help: "HTTP requests, by route pattern, method and status; 499 means that the client disconnected.",
		}, []string{"route", "method", "status"}),
		duration: register.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "aisha_http_request_duration_seconds",
			Help:    "Time from the request's header to the end of the response, by route pattern and method.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120},
		}, []string{"route", "method"}),
	}
}

func (o *observer) record(r *http.Request, written middleware.WrapResponseWriter, took time.Duration) {
	requestLog := wire.RequestLogOf(r.Context())
	route, method, status := routeLabel(r), methodLabel(r.Method), finalStatus(r, written)
	o.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	o.duration.WithLabelValues(route, method).Observe(took.Seconds())

	ctx, level := context.WithoutCancel(r.Context()), logLevel(route, status, requestLog.Failure)
	if !o.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", method),
		slog.String("route", route),
		slog.Int("status", status),
		slog.Int("bytes", written.BytesWritten()),
		slog.Duration("took", took),
		slog.String("request_id", requestLog.RequestID),
	}
	showError := status >= http.StatusInternalServerError || level >= slog.LevelWarn || o.log.Enabled(ctx, slog.LevelDebug)
	if requestLog.Failure != nil && showError {
		attrs = append(attrs, slog.Any("error", requestLog.Failure))
	}
	o.log.LogAttrs(ctx, level, "request", attrs...)
}

// routeLabel returns the pattern of the request's route without a trailing
// slash. All unknown paths share one label.
func routeLabel(r *http.Request) string {
	if route := chi.RouteContext(r.Context()).RoutePattern(); route != "" {
		return route
	}
	return "unmatched"
}

// methodLabel returns the method, or OTHER for an unknown one, so that clients
// cannot create new label values.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions:
		return method
	default:
		return "OTHER"
	}
}

// finalStatus returns the status for logs and metrics. A failure after the
// first byte of the response counts with its own status. A 5xx counts as 499 if
// the client disconnected, because the disconnect cancels our work, or if it did not
// receive the response.
func finalStatus(r *http.Request, written middleware.WrapResponseWriter) int {
	status, failure := written.Status(), wire.RequestLogOf(r.Context()).Failure
	if failure != nil {
		status = wire.StatusOf(failure)
	}
	disconnected := r.Context().Err() != nil || errors.Is(failure, wire.ErrNotReceived)
	if status >= http.StatusInternalServerError && disconnected {
		return statusClientDisconnected
	}
	return status
}

// logLevel returns debug for successful requests: metrics count them, and one
// log line each would be too many at thousands of webhooks a second. A request to
// a part that is not configured, or with a body that does not fit into memory, is
// no error of ours: every client can cause any number of them. An aborted response is
// logged at warn, whether it ended because of the client or of us.
func logLevel(route string, status int, failure error) slog.Level {
	if fault.Is(failure, fault.NotConfigured) || errors.Is(failure, wire.ErrBodyBudget) {
		return slog.LevelInfo
	}
	if errors.Is(failure, wire.ErrAborted) {
		return slog.LevelWarn
	}
	probe := route == "/healthz" || route == "/readyz" || route == "/metrics"
	switch {
	case probe && status >= http.StatusInternalServerError:
		return slog.LevelWarn
	case probe, status < http.StatusBadRequest:
		return slog.LevelDebug
	case status >= http.StatusInternalServerError:
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}
