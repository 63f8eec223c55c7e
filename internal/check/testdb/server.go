package testdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"aisha/internal/dev/localpg"
)

// Main runs the tests of a package with a server. It is all that TestMain has
// to do.
func Main(m *testing.M) {
	if os.Getenv(URLVariable) != "" {
		m.Run()
		return
	}
	if err := runWithServer(m); err != nil {
		fmt.Fprintln(os.Stderr, "testdb:", err)
		os.Exit(1)
	}
}

func runWithServer(m *testing.M) error {
	// Ctrl-C must not leave the server's folder behind.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := StartServer(ctx)
	if err != nil {
		return err
	}
	if err := os.Setenv(URLVariable, server.URL()); err != nil {
		return errors.Join(err, server.Stop())
	}
	finished := make(chan struct{})
	go func() {
		m.Run()
		close(finished)
	}()
	select {
	case <-finished:
		return server.Stop()
	case <-ctx.Done():
		return errors.Join(context.Cause(ctx), server.Stop())
	}
}

// Server is a throw-away PostgreSQL server.
type Server struct {
	cluster *localpg.Cluster
	dir     string
}

// StartServer starts a server in a temporary folder. It forgets everything at
// [Server.Stop], so it does without PostgreSQL's guarantees for a crash.
func StartServer(ctx context.Context) (*Server, error) {
	downloads, err := downloadDir()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "aisha-test-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the server: %w", err)
	}
	cluster, err := localpg.Start(ctx, localpg.Options{
		Dir:         dir,
		DownloadDir: downloads,
		Log:         slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &Server{cluster, dir}, nil
}

// URL is where a superuser connects to the server.
func (s *Server) URL() string { return s.cluster.URL("postgres") }

// Stop ends the server and removes all it had.
func (s *Server) Stop() error {
	return errors.Join(s.cluster.Kill(), os.RemoveAll(s.dir))
}

// downloadDir is where `aisha dev` keeps a PostgreSQL that it had to download:
// in the checkout, which is where the go.mod is.
func downloadDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		_, err := os.Stat(filepath.Join(at, "go.mod"))
		if err == nil {
			return filepath.Join(at, ".aisha"), nil
		}
		if !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			return "", fmt.Errorf("there is no go.mod in %s or above it", dir)
		}
	}
}
