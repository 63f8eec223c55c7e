package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"aisha/internal/config"
	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/ratelimit"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/service/audit"
	"aisha/internal/service/gemini"
	"aisha/internal/service/operation"
	"aisha/internal/service/whatsapp"
)

// Limits of a connection. Clients are not authenticated before their request is
// read, so the limits are as low as ordinary clients allow.
const (
	headerTimeout = 5 * time.Second
	// readTimeout limits the header and the body together. Meta sends the body
	// at once.
	readTimeout = 10 * time.Second
	// idleTimeout is longer than the 60 seconds for which common reverse proxies
	// keep idle connections, so that the proxy closes them first. Otherwise it
	// could send a request on a connection that is just being closed.
	idleTimeout    = 65 * time.Second
	maxHeaderBytes = 16 << 10
)

// drainRequests is how long a stop waits for requests in progress.
const drainRequests = 8 * time.Second

// services are what the API calls.
type services struct {
	list       waitlistServices
	gemini     *gemini.Service
	whatsapp   *whatsapp.Service
	operations *operation.Service
}

// addHTTP builds the HTTP server. It is the last component, so that it is drained
// first; run lets it answer probes before the others are started.
func (a *app) addHTTP(s services) {
	metrics := a.metricsHandler()
	if a.cfg.MetricsAddr != "" {
		metrics = nil
	}
	a.server = &http.Server{
		Handler: handler.New(handler.Options{
			Waitlist:           s.list.signUps,
			Referrals:          s.list.referrals,
			Gemini:             s.gemini,
			WhatsApp:           s.whatsapp,
			Entries:            s.list.entries,
			Transitions:        s.list.transitions,
			Exports:            s.list.exports,
			Imports:            s.list.imports,
			Statistics:         s.list.statistics,
			ReferralCode:       s.list.codes.Code,
			Operations:         s.operations,
			Audit:              audit.New(operatordb.NewAuditLog(a.reads)),
			Actions:            operatordb.NewActions(a.pool),
			Ready:              a.checkReady,
			Started:            a.started.Load,
			Credentials:        a.credentials.states,
			Metrics:            metrics,
			Registerer:         a.metrics,
			Log:                a.log,
			CORSAllowedOrigins: a.cfg.CORSAllowedOrigins,
			CORSGeminiOrigins:  a.cfg.CORSGeminiOrigins,
			SignupRedirectURL:  a.cfg.SignupRedirectURL,
			APIKeys:            a.cfg.APIKeys,
			AdminToken:         a.cfg.AdminToken,
			RateSignups:        ratelimit.Rate(a.cfg.RateSignups),
			RateGemini:         ratelimit.Rate(a.cfg.RateGemini),
			TrustedProxies:     a.cfg.TrustedProxies,
			PhoneURL:           a.cfg.PhoneURL,
		}),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      readTimeout + 2*a.cfg.Gemini.Timeout + 30*time.Second,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          newServerLog(a.log),

		DisableGeneralOptionsHandler: true, // OPTIONS * is answered like any unknown route
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
