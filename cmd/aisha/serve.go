package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"aisha/internal/config"
	"aisha/internal/fault"
	"aisha/internal/repository"
)

const (
	// databasePatience is how long the start waits for a database that is not
	// there yet, as when both were started together.
	databasePatience = time.Minute
	// The parts of a stop; together they stay under thirty seconds.
	drainRequests = 8 * time.Second
	drainJobs     = 12 * time.Second // a send that has begun takes ten at most
	stopPatience  = 28 * time.Second // for everything; what hangs then is left to die with the process
)

// serve is the production program.
func serve(ctx context.Context) error {
	cfg, err := config.Load()
	if err != nil {
		return err
	}
	log := newLog(os.Stdout, cfg)
	for _, warning := range cfg.Warnings() {
		log.WarnContext(ctx, warning)
	}
	return runApp(ctx, cfg, log, func(net.Addr) {})
}

// migrate applies what is pending and ends.
func migrate(ctx context.Context, out io.Writer) error {
	cfg, err := config.Load()
	if err != nil {
		return err
	}
	pool, err := repository.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := repository.Migrate(ctx, pool); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "the database is up to date")
	return err
}

// runApp runs the service until ctx ends, then stops it in order. It calls
// serving once requests are answered.
func runApp(ctx context.Context, cfg config.Config, log *slog.Logger, serving func(net.Addr)) error {
	a, err := newApp(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer a.closePools()

	// The port is taken before anything else is begun, so that a second
	// instance on it fails at once and without a trace.
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address(cfg))
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address(cfg), err)
	}
	// Probes are answered from now on; everything else once the database is there.
	failed := make(chan error, 1)
	go func() { failed <- a.server.Serve(listener) }()
	if err := a.start(ctx); err != nil {
		return errors.Join(err, a.stop(context.WithoutCancel(ctx)))
	}
	log.InfoContext(ctx, "serving", slog.String("address", listener.Addr().String()), slog.String("version", version))
	serving(listener.Addr())

	select {
	case <-ctx.Done():
		log.InfoContext(ctx, "stopping")
		err = nil
	case err = <-failed:
	}
	return errors.Join(err, a.stop(context.WithoutCancel(ctx)))
}

// start brings up what works in the background, the database first.
func (a *app) start(ctx context.Context) error {
	if err := a.awaitDatabase(ctx); err != nil {
		return err
	}
	a.started.Store(true)
	a.house.Start(context.WithoutCancel(ctx))
	if a.workers == nil {
		a.log.WarnContext(ctx, "WhatsApp messages are stored and wait: the Graph API or Gemini is not configured")
		return nil
	}
	// The workers end by Stop, not with ctx: what they do is finished first.
	return a.workers.Start(context.WithoutCancel(ctx))
}

// awaitDatabase migrates, and tries again while the database is out of reach.
func (a *app) awaitDatabase(ctx context.Context) error {
	deadline := time.Now().Add(databasePatience)
	for {
		err := repository.Migrate(ctx, a.pool)
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

// stop ends everything in the reverse order of start: readiness off, requests
// drained, jobs finished, connections closed.
func (a *app) stop(ctx context.Context) error {
	a.stopping.Store(true)
	ctx, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	var problems []error

	drain, drained := context.WithTimeout(ctx, drainRequests)
	defer drained()
	if err := a.server.Shutdown(drain); err != nil {
		// A client that holds a request open must not make a failure of our end.
		a.log.WarnContext(ctx, "requests were cut off", slog.Any("error", err))
		_ = a.server.Close()
	}
	if a.started.Load() {
		problems = append(problems, a.house.Stop(ctx))
	}
	if a.workers != nil && a.started.Load() {
		drain, cancel := context.WithTimeout(ctx, drainJobs)
		defer cancel()
		problems = append(problems, a.workers.Stop(drain))
	}
	problems = append(problems, a.locks.Close(ctx))
	if a.model != nil {
		problems = append(problems, a.model.Close())
	}
	a.log.InfoContext(ctx, "stopped")
	return errors.Join(problems...)
}

// closePools waits for connections in use, but not for ever: one may hang with
// a database that has gone away.
func (a *app) closePools() {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		a.pool.Close()
		if a.queue != nil {
			a.queue.Close()
		}
	}()
	select {
	case <-closed:
	case <-time.After(time.Second):
	}
}
