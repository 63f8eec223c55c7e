package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"aisha/internal/config"
	"aisha/internal/dev/localpg"
	"aisha/internal/dev/simulator"
	"aisha/internal/sensitive"
)

// dev runs the service and everything it lacks on this machine: a database,
// and the simulator for each side that has no account.
func dev(ctx context.Context, out io.Writer) error {
	cfg, err := config.LoadDev()
	if err != nil {
		return err
	}
	log := newLog(os.Stderr, cfg)

	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	notes := summary{out: out}
	if cfg.DatabaseURL.IsZero() {
		database, err := startDatabase(ctx, cfg, log)
		if err != nil {
			return err
		}
		defer func() { _ = database.Stop() }()
		go func() {
			<-database.Done()
			end(errors.New("the database ended"))
		}()
		cfg.DatabaseURL = sensitive.NewSecret(database.URL("postgres"))
		notes.database = "an own PostgreSQL, kept in " + cfg.DataDir
	}

	sim, err := startSimulator(ctx, &cfg, log)
	if err != nil {
		return err
	}
	if sim != nil {
		defer sim.stop()
		notes.simulator = sim
	}
	for _, warning := range cfg.Warnings() {
		log.WarnContext(ctx, warning)
	}
	err = runApp(ctx, cfg, log, func(address net.Addr) {
		if sim != nil {
			sim.SetWebhookURL("http://" + local(address) + "/webhook/whatsapp")
		}
		notes.print(local(address))
	})
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

// runningSimulator is a simulator that listens.
type runningSimulator struct {
	*simulator.Simulator
	server           *http.Server
	address          string
	gemini, whatsapp bool // which sides it stands in for
}

// startSimulator runs the simulator if one of the two sides is missing and
// points that side of the configuration at it.
func startSimulator(ctx context.Context, cfg *config.Config, log *slog.Logger) (*runningSimulator, error) {
	s := &runningSimulator{gemini: cfg.Gemini.APIKey.IsZero(), whatsapp: cfg.WhatsApp.Token.IsZero()}
	if !s.gemini && !s.whatsapp {
		return nil, nil
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(cfg.SimulatorPort))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for the simulator on %s (SIMULATOR_PORT changes it): %w", address, err)
	}
	s.address = "http://" + local(listener.Addr())
	s.simulate(cfg, log)
	s.server = &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the simulator stopped", slog.Any("error", err))
		}
	}()
	return s, nil
}

// simulate fills in what the configuration lacks with what the simulator
// expects. The values are of no use anywhere else.
func (s *runningSimulator) simulate(cfg *config.Config, log *slog.Logger) {
	const key, token, number = "simulated-key", "simulated-token", "100000000000001"
	if s.gemini {
		cfg.Gemini.APIKey, cfg.Gemini.BaseURL = sensitive.NewSecret(key), s.address
	}
	if s.whatsapp {
		cfg.WhatsApp.Token, cfg.WhatsApp.BaseURL = sensitive.NewSecret(token), s.address
		cfg.WhatsApp.PhoneNumberID = number
		if len(cfg.WhatsApp.AppSecrets) == 0 {
			cfg.WhatsApp.AppSecrets = []sensitive.Secret{sensitive.NewSecret("simulated-app-secret")}
		}
		if cfg.WhatsApp.VerifyToken.IsZero() {
			cfg.WhatsApp.VerifyToken = sensitive.NewSecret("simulated-verify-token")
		}
	}
	options := simulator.Options{
		AccessToken: token, GeminiKey: key, PhoneNumberID: number, DisplayNumber: "254700000000",
		VerifyToken: cfg.WhatsApp.VerifyToken.Reveal(), Timing: simulator.Lifelike(), Log: log,
	}
	if s.whatsapp {
		options.AppSecret = cfg.WhatsApp.AppSecrets[0].Reveal()
	}
	s.Simulator = simulator.New(options)
}

func (s *runningSimulator) stop() {
	s.Close()
	_ = s.server.Close()
}

// local is how this machine reaches an address that may stand for all of its
// interfaces.
func local(address net.Addr) string {
	host, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return address.String()
	}
	if ip := net.ParseIP(host); ip != nil && (ip.IsUnspecified() || ip.IsLoopback()) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
