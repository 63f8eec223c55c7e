package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"aisha/internal/config"
	"aisha/internal/dev/localpg"
	"aisha/internal/repository/schema"
	"aisha/internal/sensitive"
)

// dev runs the service together with a database and the simulator, as far as the
// environment does not configure real ones.
func dev(ctx context.Context, out io.Writer) error {
	cfg, err := config.LoadDev()
	if err != nil {
		return err
	}
	log := newLog(os.Stderr, cfg)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	started := summary{out: out, secrets: filepath.Join(cfg.DataDir, devSecretsFile)}
	if cfg.DatabaseURL.IsZero() {
		database, err := startDatabase(ctx, cfg, log)
		if err != nil {
			return err
		}
		defer func() { _ = database.Stop() }()
		go func() {
			<-database.Done()
			cancel(errors.New("the database ended"))
		}()
		cfg.DatabaseURL = sensitive.NewSecret(database.URL("postgres"))
		started.database = "a PostgreSQL of its own, in " + cfg.DataDir
	}

	sim, err := startSimulator(ctx, &cfg, log)
	if err != nil {
		return err
	}
	if sim != nil {
		defer sim.stop()
		started.simulator = sim
	}
	logWarnings(ctx, cfg, log)
	if !isLoopback(cfg.Host) {
		log.WarnContext(ctx, "HOST is set: other machines can reach aisha dev, with its simulated phone and without any protection",
			slog.String("host", cfg.Host))
	}
	if host, _, err := net.SplitHostPort(cfg.MetricsAddr); err == nil && !isLoopback(host) {
		log.WarnContext(ctx, "METRICS_ADDR is not on the loopback interface: other machines can read the metrics",
			slog.String("address", cfg.MetricsAddr))
	}
	app, err := newApp(ctx, cfg, log)
	if err != nil {
		return err
	}
	app.allowLocalHosts()
	err = app.run(ctx, func(address net.Addr) {
		if sim != nil {
			sim.SetWebhookURL(localURL(address) + "/webhook/whatsapp")
		}
		started.print(localURL(address))
	})
	if errors.Is(err, schema.ErrTooOld) {
		err = fmt.Errorf("%w (the folder %s has the old one: remove it, or set AISHA_DATA_DIR)", err, cfg.DataDir)
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return errors.Join(cause, err)
	}
	return err
}

func startDatabase(ctx context.Context, cfg config.Config, log *slog.Logger) (*localpg.Cluster, error) {
	database, err := localpg.Start(ctx, localpg.Options{Dir: cfg.DataDir, Durable: true, Log: log})
	if ctx.Err() != nil {
		return nil, errors.Join(ctx.Err(), stopIfStarted(database))
	}
	if err != nil {
		return nil, fmt.Errorf("start the database: %w", err)
	}
	return database, nil
}

func stopIfStarted(database *localpg.Cluster) error {
	if database == nil {
		return nil
	}
	return database.Stop()
}

// localURL returns the URL at which this machine reaches a server that listens on
// the address, which may be that of all interfaces.
func localURL(address net.Addr) string {
	host, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return "http://" + address.String()
	}
	if ip := net.ParseIP(host); ip != nil && (ip.IsUnspecified() || ip.IsLoopback()) {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
