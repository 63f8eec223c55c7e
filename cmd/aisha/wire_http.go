package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"aisha/internal/config"
	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/handler/guard"
	"aisha/internal/repository/postgres"
	"aisha/internal/service/gemini"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/whatsapp"
)

// drainRequests is how long a stop waits for requests in progress.
const drainRequests = 8 * time.Second

// addHTTP builds the HTTP server. It is the last component, so that it is drained
// first; run lets it answer probes before the others are started.
func (a *app) addHTTP(waitlist *waitlist.Service, gemini *gemini.Service, whatsapp *whatsapp.Service) {
	const readTimeout = 30 * time.Second
	a.server = &http.Server{
		Handler: handler.New(handler.Options{
			Waitlist:           waitlist,
			Gemini:             gemini,
			WhatsApp:           whatsapp,
			Ready:              a.checkReady,
			Credentials:        a.credentials.states,
			Metrics:            promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{}),
			Registerer:         a.metrics,
			Log:                a.log,
			CORSAllowedOrigins: a.cfg.CORSAllowedOrigins,
			CORSGeminiOrigins:  a.cfg.CORSGeminiOrigins,
			SignupRedirectURL:  a.cfg.SignupRedirectURL,
			APIKeys:            a.cfg.APIKeys,
			AdminToken:         a.cfg.AdminToken,
			RateSignups:        guard.Rate(a.cfg.RateSignups),
			RateGemini:         guard.Rate(a.cfg.RateGemini),
			TrustedProxies:     a.cfg.TrustedProxies,
			PhoneURL:           a.cfg.PhoneURL,
		}),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       readTimeout,
		WriteTimeout:      readTimeout + 2*a.cfg.Gemini.Timeout + 30*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	a.add(component{name: "http server", stop: a.drain, stopTimeout: drainRequests})
}

// drain waits for requests in progress. A client that keeps a request open must
// not turn the stop into a failure, so its connection is closed.
func (a *app) drain(ctx context.Context) error {
	if err := a.server.Shutdown(ctx); err != nil {
		a.log.WarnContext(ctx, "requests aborted", slog.Any("error", err))
		_ = a.server.Close()
	}
	return nil
}

// checkReady reports whether requests can be served.
func (a *app) checkReady(ctx context.Context) error {
	if !a.ready.Load() {
		return fault.New(fault.Unavailable, "the service is starting or stopping")
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return postgres.Ready(ctx, a.pool)
}

// address returns where the API listens.
func address(cfg config.Config) string {
	return net.JoinHostPort(cfg.Host, strconv.Itoa(cfg.Port))
}
