package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"

	"aisha/internal/config"
	"aisha/internal/repository/postgres"
	"aisha/internal/repository/schema"
	"aisha/internal/telemetry"
)

// serve is the command for production.
func serve(ctx context.Context) error {
	cfg, err := config.Load()
	if err != nil {
		return err
	}
	log := newLog(os.Stdout, cfg)
	logWarnings(ctx, cfg, log)
	app, err := newApp(ctx, cfg, log)
	if err != nil {
		return err
	}
	return app.run(ctx, func(net.Addr) {})
}

func newLog(out io.Writer, cfg config.Config) *slog.Logger {
	return telemetry.NewLog(out, telemetry.LogOptions{Level: cfg.LogLevel, Format: cfg.LogFormat, IsOutage: postgres.IsUnreachable})
}

func logWarnings(ctx context.Context, cfg config.Config, log *slog.Logger) {
	for _, warning := range cfg.Warnings() {
		log.WarnContext(ctx, warning)
	}
}

// migrate applies pending migrations and exits.
func migrate(ctx context.Context, out io.Writer) error {
	cfg, err := config.Load()
	if err != nil {
		return err
	}
	for _, warning := range cfg.ReadWarnings {
		_, _ = fmt.Fprintln(os.Stderr, "warning:", warning)
	}
	pool, err := postgres.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := schema.Migrate(ctx, pool); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "the database is up to date")
	return err
}
