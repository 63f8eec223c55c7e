// Command bench measures the built service beside pgbench on the same cluster
// in the same run, because machines differ and are noisy. It prints the table
// that the README shows. With -profile it measures nothing and writes CPU
// profiles of the service under the same load. With -seed it measures what
// becomes slower when many people and messages are stored.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/jackc/pgx/v5"

	"aisha/internal/dev/localpg"
)

func main() {
	profiles := flag.String("profile", "", "write CPU profiles of the service into this folder, and measure nothing")
	seed := flag.String("seed", "", "compare an empty database with one of so many `people,messages`, and measure nothing else")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *profiles, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is the ground that everything is measured on.
type bench struct {
	dir     string // temporary
	binary  string // the service
	cluster *localpg.Cluster

	upstream *standIn
}

func run(ctx context.Context, profiles, seed string) error {
	var full seeding
	if seed != "" {
		var err error
		if full, err = parseSeeding(seed); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "aisha-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// PostgreSQL may run as another user, who has to get to its folder.
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the server's user has to get through
		return err
	}

	progress("building the service and starting a cluster")
	b := &bench{dir: dir, binary: filepath.Join(dir, "aisha")}
	var extra []string
	if profiles != "" {
		if extra, err = profilerOverlay(dir); err != nil {
			return err
		}
	}
	if err := build(ctx, b.binary, extra...); err != nil {
		return err
	}
	b.cluster, err = localpg.Start(ctx, localpg.Options{Dir: filepath.Join(dir, "postgres"), Durable: true})
	if err != nil {
		return err
	}
	defer func() { _ = b.cluster.Stop() }()
	if b.upstream, err = startStandIn(ctx); err != nil {
		return err
	}
	if seed != "" {
		return b.grow(ctx, full)
	}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	if profiles != "" {
		return b.profile(ctx, profiles)
	}
	return b.measure(ctx)
}

func build(ctx context.Context, binary string, extra ...string) error {
	args := append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", binary}, extra...)
	command := exec.CommandContext(ctx, "go", append(args, "./cmd/aisha")...)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}

// prepare makes the service's databases and the yardstick's tables.
func (b *bench) prepare(ctx context.Context) error {
	for _, name := range []string{"aisha", "answering", "yardstick"} {
		if err := b.createDatabase(ctx, name); err != nil {
			return err
		}
	}
	yardstick, err := pgx.Connect(ctx, b.cluster.URL("yardstick"))
	if err != nil {
		return err
	}
	defer func() { _ = yardstick.Close(ctx) }()
	_, err = yardstick.Exec(ctx, yardstickTables)
	return err
}

func (b *bench) createDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, b.cluster.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, `CREATE DATABASE `+name)
	return err
}

func progress(text string) { fmt.Fprintln(os.Stderr, "bench:", text) }
