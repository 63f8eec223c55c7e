package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"aisha/internal/config"
	"aisha/internal/fault"
	"aisha/internal/repository/operatordb"
	"aisha/internal/repository/postgres"
	"aisha/internal/repository/retention"
	"aisha/internal/repository/schema"
	"aisha/internal/repository/waitlistdb"
	"aisha/internal/repository/whatsappdb"
	"aisha/internal/worker"
)

const (
	// databaseTimeout is how long the start waits for a database that is not
	// reachable yet, for example because both start at the same time.
	databaseTimeout = time.Minute
	// stopTimeout limits the whole stop. A component that hangs longer ends with
	// the process.
	stopTimeout = 28 * time.Second
)

// app is the service: its components, and the HTTP server in front of them.
type app struct {
	cfg        config.Config
	log        *slog.Logger
	metrics    *prometheus.Registry
	pool       *pgxpool.Pool // for key lookups
	reads      *pgxpool.Pool // for lists, searches, exports and statistics
	server     *http.Server
	components []*component

	metricsServer *http.Server // nil: the API serves the metrics

	credentials credentials
	started     atomic.Bool // all components are started; it stays true during a stop
	ready       atomic.Bool // all components are started and none is stopped
}

// component is a piece of the app that is started and stopped. Components are started in the
// order of the list and stopped in reverse.
type component struct {
	name        string
	start       func(context.Context) error // nil: it exists once it is built
	stop        func(context.Context) error // nil: nothing to stop
	stopTimeout time.Duration               // 0: only stopTimeout of the app limits it
	started     bool
}

func (a *app) add(c component) {
	c.started = c.start == nil
	a.components = append(a.components, &c)
}

// newApp builds the components. Nothing runs and nothing is connected to yet.
func newApp(ctx context.Context, cfg config.Config, log *slog.Logger) (*app, error) {
	a := &app{cfg: cfg, log: log, metrics: prometheus.NewRegistry()}
	limitMemory(ctx, log)
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := a.build(ctx); err != nil {
		return nil, errors.Join(err, a.stop(ctx))
	}
	return a, nil
}

func (a *app) build(ctx context.Context) error {
	if a.cfg.MetricsAddr != "" {
		a.addMetricsServer()
	}
	if err := a.addDatabase(ctx); err != nil {
		return err
	}
	list := a.addWaitlist()
	gemini, err := a.addGemini(ctx)
	if err != nil {
		return err
	}
	operations := a.newOperations(list.imports)
	whatsapp, err := a.addWhatsApp(ctx, gemini, list.signUps, operations)
	if err != nil {
		return err
	}
	a.addRetention()
	a.addCredentialChecks()
	a.addHTTP(services{list: list, gemini: gemini, whatsapp: whatsapp, operations: operations})
	return nil
}

func (a *app) addDatabase(ctx context.Context) error {
	var err error
	if a.pool, err = postgres.Open(ctx, a.cfg.DatabaseURL); err != nil {
		return err
	}
	a.add(component{name: "database pool", stop: closePool(a.pool)})
	if err := a.addReads(ctx); err != nil {
		return err
	}
	a.add(component{name: "migrations", start: a.migrate})
	a.add(component{name: "database warnings", start: a.logDatabaseWarnings})
	return nil
}

// logDatabaseWarnings never fails the start: the settings that it reads are not
// needed to serve.
func (a *app) logDatabaseWarnings(ctx context.Context) error {
	for _, check := range []func(context.Context, *pgxpool.Pool) ([]string, error){postgres.Warnings, waitlistdb.Warnings} {
		warnings, err := check(ctx, a.pool)
		if err != nil {
			a.log.WarnContext(ctx, "the database's settings are not checked", slog.Any("error", err))
		}
		for _, warning := range warnings {
			a.log.WarnContext(ctx, warning)
		}
	}
	if !a.cfg.DatabaseReadURL.IsZero() {
		for _, warning := range postgres.ReplicaWarnings(a.reads) {
			a.log.WarnContext(ctx, warning)
		}
	}
	return nil
}

// migrate applies pending migrations, and waits while the database is
// unreachable.
func (a *app) migrate(ctx context.Context) error {
	deadline := time.Now().Add(databaseTimeout)
	for {
		err := schema.Migrate(ctx, a.pool)
		if !fault.Is(err, fault.Unavailable) || time.Now().After(deadline) {
			return err
		}
		a.log.WarnContext(ctx, "waiting for the database", slog.Any("error", err))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (a *app) addRetention() {
	messages := whatsappdb.Sweeps(whatsappdb.RetentionPeriods{
		Messages: a.cfg.RetainMessages, UnhandledItems: a.cfg.RetainWebhooks,
	})
	sweeps := slices.Concat(messages, operatordb.Sweeps(), waitlistdb.Sweeps())
	runner := worker.NewRetentionRunner(retention.New(a.pool, sweeps), a.log)
	a.add(component{
		name: "retention",
		start: func(ctx context.Context) error {
			runner.Start(context.WithoutCancel(ctx)) // ends by Stop
			return nil
		},
		stop: runner.Stop,
	})
}

// closePool returns a function that closes the pool and waits a second for the
// connections in use. One may hang with an unreachable database.
func closePool(pool *pgxpool.Pool) func(context.Context) error {
	return func(context.Context) error {
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			pool.Close()
		}()
		select {
		case <-closed:
		case <-time.After(time.Second):
		}
		return nil
	}
}

// run serves until ctx ends or the server fails, and then stops everything. It
// calls serving once requests are served.
func (a *app) run(ctx context.Context, serving func(net.Addr)) error {
	// The port is taken first, so that a second instance on it fails at once and
	// has no effects.
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address(a.cfg))
	if err != nil {
		return errors.Join(fmt.Errorf("listen on %s: %w", address(a.cfg), err), a.stop(ctx))
	}
	// Probes are answered from now on.
	failed := make(chan error, 1)
	go func() { failed <- a.server.Serve(listener) }()
	defer func() { _ = a.server.Close() }()

	if err := a.start(ctx); err != nil {
		return errors.Join(err, a.stop(ctx))
	}
	a.log.InfoContext(ctx, "serving", slog.String("address", listener.Addr().String()), slog.String("version", version))
	serving(listener.Addr())

	select {
	case <-ctx.Done():
		a.log.InfoContext(ctx, "stopping")
		err = nil
	case err = <-failed:
	}
	return errors.Join(err, a.stop(ctx))
}

func (a *app) start(ctx context.Context) error {
	for _, c := range a.components {
		if c.start == nil {
			continue
		}
		if err := c.start(ctx); err != nil {
			return err
		}
		c.started = true
	}
	a.started.Store(true)
	a.ready.Store(true)
	return nil
}

// stop stops the components that were started, in reverse order. It goes on
// after an error.
func (a *app) stop(ctx context.Context) error {
	a.ready.Store(false)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	var failures []error
	for _, c := range slices.Backward(a.components) {
		if !c.started || c.stop == nil {
			continue
		}
		if err := c.stopWithin(ctx); err != nil {
			failures = append(failures, fmt.Errorf("stop %s: %w", c.name, err))
		}
	}
	a.log.InfoContext(ctx, "stopped")
	return errors.Join(failures...)
}

func (c *component) stopWithin(ctx context.Context) error {
	if c.stopTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.stopTimeout)
		defer cancel()
	}
	return c.stop(ctx)
}
