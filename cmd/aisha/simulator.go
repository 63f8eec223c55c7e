package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"aisha/internal/config"
	"aisha/internal/dev/simulator"
	"aisha/internal/sensitive"
)

// runningSimulator is a simulator with its HTTP server.
type runningSimulator struct {
	*simulator.Simulator
	server   *http.Server
	url      string
	gemini   bool // it replaces the Gemini API
	whatsapp bool // it replaces Meta
}

// startSimulator starts the simulator where Gemini or WhatsApp is not configured,
// and sets that part of the configuration to it. It returns nil where both are
// configured.
func startSimulator(ctx context.Context, cfg *config.Config, log *slog.Logger) (*runningSimulator, error) {
	s := &runningSimulator{gemini: cfg.Gemini.APIKey.IsZero(), whatsapp: cfg.WhatsApp.Token.IsZero()}
	if !s.gemini && !s.whatsapp {
		return nil, nil
	}
	address := net.JoinHostPort(cfg.Host, strconv.Itoa(cfg.SimulatorPort))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for the simulator on %s (SIMULATOR_PORT changes it): %w", address, err)
	}
	s.url = localURL(listener.Addr())
	if err := s.configure(cfg, log); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s.server = &http.Server{Handler: allowLocalHosts(s.Handler(), cfg.Host), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("simulator stopped", slog.Any("error", err))
		}
	}()
	return s, nil
}

// configure makes the simulator, and sets the missing settings to the values that
// it expects. The key and the token are random in each run, because only this
// process uses them.
func (s *runningSimulator) configure(cfg *config.Config, log *slog.Logger) error {
	const number = "100000000000001"
	key, token := rand.Text(), rand.Text()
	options := simulator.Options{
		AccessToken: token, GeminiKey: key, PhoneNumberID: number, DisplayNumber: "254700000000",
		Timing: simulator.RealisticTiming(), Log: log,
	}
	if s.gemini {
		cfg.Gemini.APIKey, cfg.Gemini.BaseURL = sensitive.NewSecret(key), s.url
	}
	if s.whatsapp {
		secrets, err := loadDevSecrets(cfg.DataDir)
		if err != nil {
			return err
		}
		cfg.WhatsApp.Token, cfg.WhatsApp.BaseURL = sensitive.NewSecret(token), s.url
		cfg.WhatsApp.PhoneNumberID = number
		cfg.PhoneURL = s.url
		if len(cfg.WhatsApp.AppSecrets) == 0 {
			cfg.WhatsApp.AppSecrets = []sensitive.Secret{secrets.appSecret}
		}
		if cfg.WhatsApp.VerifyToken.IsZero() {
			cfg.WhatsApp.VerifyToken = secrets.verifyToken
		}
		options.AppSecret = cfg.WhatsApp.AppSecrets[0].Reveal()
		options.VerifyToken = cfg.WhatsApp.VerifyToken.Reveal()
	}
	s.Simulator = simulator.New(options)
	return nil
}

func (s *runningSimulator) stop() {
	s.Close()
	_ = s.server.Close()
}
