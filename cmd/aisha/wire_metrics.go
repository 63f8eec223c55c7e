package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"aisha/internal/handler"
)

// metricsHandler serves the metrics of the app.
func (a *app) metricsHandler() http.Handler {
	return promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{})
}

// addMetricsServer adds the server on METRICS_ADDR. It is the first component, so
// that the metrics are available until everything else is stopped.
func (a *app) addMetricsServer() {
	server := &http.Server{
		Handler:           handler.NewMetrics(a.metricsHandler(), a.log),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      time.Minute,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          newServerLog(a.log),
	}
	a.metricsServer = server
	a.add(component{
		name: "metrics server",
		start: func(ctx context.Context) error {
			listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.cfg.MetricsAddr)
			if err != nil {
				return fmt.Errorf("listen for metrics on %s (METRICS_ADDR): %w", a.cfg.MetricsAddr, err)
			}
			a.log.InfoContext(ctx, "serving metrics", slog.String("address", listener.Addr().String()))
			go func() {
				if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
					a.log.Error("metrics server failed", slog.Any("error", err))
				}
			}()
			return nil
		},
		stop: func(context.Context) error { return server.Close() },
	})
}
