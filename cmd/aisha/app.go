package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"aisha/internal/client/geminiapi"
	"aisha/internal/client/graphapi"
	"aisha/internal/config"
	"aisha/internal/fault"
	"aisha/internal/handler"
	"aisha/internal/repository"
	"aisha/internal/service/gemini"
	"aisha/internal/service/waitlist"
	"aisha/internal/service/whatsapp"
	"aisha/internal/worker"
)

// app is the running service. Its parts are made in the order of the fields,
// started in that order and stopped in reverse.
type app struct {
	cfg     config.Config
	log     *slog.Logger
	metrics *prometheus.Registry

	pool     *pgxpool.Pool
	locks    *repository.Locks
	model    *geminiapi.Client // nil without a key
	queue    *pgxpool.Pool     // of the workers; nil while one of the two sides is not configured
	workers  *worker.Workers   // likewise
	house    *worker.Housekeeping
	server   *http.Server
	started  atomic.Bool // the database is there and migrated
	stopping atomic.Bool
}

// newApp builds the service. Nothing runs yet and nobody is connected to.
func newApp(ctx context.Context, cfg config.Config, log *slog.Logger) (*app, error) {
	a := &app{cfg: cfg, log: log, metrics: prometheus.NewRegistry()}
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	var err error
	if a.pool, err = repository.Open(ctx, cfg.DatabaseURL); err != nil {
		return nil, err
	}
	signups := waitlist.New(repository.NewWaitingList(a.pool))
	geminis, err := a.buildGemini(ctx)
	if err != nil {
		return nil, err
	}
	whatsapps, err := a.buildWhatsApp(ctx, geminis, signups)
	if err != nil {
		return nil, err
	}
	a.house = worker.NewHousekeeping(repository.NewRetention(a.pool, repository.Ages{
		Messages: cfg.RetainMessages, Webhooks: cfg.RetainWebhooks,
	}), log)
	a.buildServer(signups, geminis, whatsapps)
	return a, nil
}

func (a *app) buildGemini(ctx context.Context) (*gemini.Service, error) {
	cfg := a.cfg.Gemini
	if cfg.APIKey.IsZero() {
		return gemini.New(nil), nil
	}
	var err error
	a.model, err = geminiapi.New(ctx, geminiapi.Options{
		APIKey:   cfg.APIKey,
		BaseURL:  cfg.BaseURL,
		Model:    cfg.Model,
		Fallback: cfg.FallbackModel,
		Timeout:  cfg.Timeout,
		Log:      a.log,
		Observe:  observeModel(a.metrics),
	})
	if err != nil {
		return nil, fmt.Errorf("build the Gemini client: %w", err)
	}
	return gemini.New(a.model), nil
}

func (a *app) buildWhatsApp(ctx context.Context, geminis *gemini.Service, signups *waitlist.Service) (*whatsapp.Service, error) {
	cfg := a.cfg.WhatsApp
	instance := uuid.NewString()
	a.locks = repository.NewLocks(a.pool, instance)
	outbox := repository.NewOutbox(a.pool)
	a.metrics.MustRegister(newBacklogMetrics(outbox.Backlog, a.log))
	service := whatsapp.New(whatsapp.Options{
		AppSecrets:   cfg.AppSecrets,
		VerifyToken:  cfg.VerifyToken,
		Instructions: cfg.Instructions,
		Apology:      cfg.Apology,
		ReplyWithin:  cfg.ReplyWithin,
		HumanPause:   cfg.HandoverPause,
		Debounce:     cfg.Debounce,
		ResendAfter:  cfg.ResendAfter,
		Observe:      observeSends(a.metrics),
		Log:          a.log,
	}, whatsapp.Rooms{
		Inbox:         repository.NewInbox(a.pool),
		Conversations: repository.NewConversations(a.pool),
		Outbox:        outbox,
		Pace:          graphapi.NewPace(cfg.Throughput, a.locks.Instances),
		Locks:         a.locks,
		Graph: graphapi.New(graphapi.Options{
			Token: cfg.Token, BaseURL: cfg.BaseURL, Version: cfg.APIVersion, Timeout: graphTimeout(cfg.ResendAfter), Log: a.log,
		}),
		Model:    assistant{geminis},
		Waitlist: signUps{signups},
	})
	if cfg.Token.IsZero() || a.cfg.Gemini.APIKey.IsZero() {
		return service, nil // messages are stored and wait
	}
	var err error
	if a.queue, err = repository.OpenForQueue(ctx, a.cfg.DatabaseURL); err != nil {
		return nil, err
	}
	a.workers, err = worker.New(a.queue, service, a.locks, worker.Options{
		Instance: instance, Replies: cfg.Workers, Log: a.log,
	})
	return service, err
}

// graphTimeout bounds one call of the Graph API, which usually takes a tenth
// of a second. It has the second half of the time after which its message is
// sent again; what does not begin within the first does not begin at all.
func graphTimeout(resendAfter time.Duration) time.Duration {
	return min(10*time.Second, resendAfter/2)
}

func (a *app) buildServer(signups *waitlist.Service, geminis *gemini.Service, whatsapps *whatsapp.Service) {
	const readTimeout = 30 * time.Second
	a.server = &http.Server{
		Handler: handler.New(handler.Options{
			Waitlist:           signups,
			Gemini:             geminis,
			WhatsApp:           whatsapps,
			Ready:              a.ready,
			Metrics:            promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{}),
			Registerer:         a.metrics,
			Log:                a.log,
			CORSAllowedOrigins: a.cfg.CORSAllowedOrigins,
			APIKeys:            a.cfg.APIKeys,
			AdminToken:         a.cfg.AdminToken,
			RateSignups:        handler.Rate(a.cfg.RateSignups),
			RateGemini:         handler.Rate(a.cfg.RateGemini),
			TrustedProxies:     a.cfg.TrustedProxies,
		}),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       readTimeout,
		WriteTimeout:      readTimeout + 2*a.cfg.Gemini.Timeout + 30*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
}

// ready tells whether requests can be served.
func (a *app) ready(ctx context.Context) error {
	if a.stopping.Load() {
		return fault.New(fault.Unavailable, "the service is stopping")
	}
	if !a.started.Load() {
		return fault.New(fault.Unavailable, "the service is waiting for its database")
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return repository.Ready(ctx, a.pool)
}

// address is where the API listens.
func address(cfg config.Config) string {
	return net.JoinHostPort(cfg.Host, strconv.Itoa(cfg.Port))
}
