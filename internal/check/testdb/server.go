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

// Main runs the tests of a package and provides a server for them. TestMain only
// has to call it. It exits with status 1 if the server cannot start or stop.
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
	// Stop the server and remove its data directory on Ctrl-C.
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

// Server is a temporary PostgreSQL server.
type Server struct {
	cluster *localpg.Cluster
	dir     string
}

// StartServer starts a server in a temporary directory. Its data is deleted by
// [Server.Stop], so PostgreSQL's durability settings are off.
func StartServer(ctx context.Context) (*Server, error) {
	downloads, err := downloadDir()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "aisha-test-")
	if err != nil {
		return nil, fmt.Errorf("create a directory for the server: %w", err)
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

// URL returns the URL of the server with a superuser.
func (s *Server) URL() string { return s.cluster.URL("postgres") }

// Stop kills the server and removes its data directory.
func (s *Server) Stop() error {
	return errors.Join(s.cluster.Kill(), os.RemoveAll(s.dir))
}

// downloadDir returns the directory where `aisha dev` stores a downloaded
// PostgreSQL: .aisha next to go.mod. It fails outside a checkout.
func downloadDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("get the working directory: %w", err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		_, err := os.Stat(filepath.Join(at, "go.mod"))
		if err == nil {
			return filepath.Join(at, ".aisha"), nil
		}
		if !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			return "", fmt.Errorf("no go.mod in %s or its parent directories", dir)
		}
	}
}
